import { afterAll, beforeEach } from 'vitest';
import { resetAws } from './aws-clients.ts';
import { captureOutput } from './captured-output.ts';
import { setFunctionEnvironment } from './function-environment.ts';
import { startKlarnaServer } from './klarna-server.ts';
import { ScriptedKlarna } from './scripted-klarna.ts';

/**
 * Imports handlers as a Lambda loads them: with their environment set, and with Klarna on a port of this machine.
 *
 * Before each test the SDK clients find an empty table, every request is SUBMITTED at Klarna, and the output is empty.
 *
 * @param load imports the function files. They read the environment when they are loaded.
 * @param environment variables that differ from function-environment.ts.
 */
export async function setUpHandlers<Loaded extends object>(
  load: () => Promise<Loaded>,
  environment: Parameters<typeof setFunctionEnvironment>[0] = {},
) {
  const klarna = new ScriptedKlarna('SUBMITTED');
  const server = await startKlarnaServer(klarna);
  setFunctionEnvironment({ KLARNA_TEST_URL: server.url, ...environment });
  const handlers = await load();
  const output = captureOutput();
  beforeEach(() => {
    resetAws();
    klarna.reset('SUBMITTED');
    server.requests.splice(0);
  });
  afterAll(() => server.close());
  return { ...handlers, klarna, klarnaRequests: server.requests, output };
}
