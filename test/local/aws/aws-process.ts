// A process to be killed: brings up the server on the folder it is given and says where, as one line of JSON.
import { startAwsServer } from '../../../local/aws/server.ts';
import { stackOptions } from './stack-options.ts';

const { url } = await startAwsServer({ ...stackOptions, dataDirectory: process.argv[2] });
process.stdout.write(`${JSON.stringify({ url })}\n`);
