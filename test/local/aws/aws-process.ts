// A process for tests that kill it: starts the server on the given folder and prints its address as one line of JSON.
import { startAwsServer } from '../../../local/aws/server.ts';
import { stackOptions } from './stack-options.ts';

const { url } = await startAwsServer({ ...stackOptions, dataDirectory: process.argv[2] });
process.stdout.write(`${JSON.stringify({ url })}\n`);
