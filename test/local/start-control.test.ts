import { expect, it } from 'vitest';
import { parseOptions } from '../../local/options.ts';
import { controlPortFor } from '../../local/start-control.ts';

it.each([
  [4003, ''],
  [5001, '--port 5000'],
  [4003, '--page-port 4001'],
  [4004, '--page-port 4003'],
  [5004, '--port 5000 --webhook-port 5001 --klarna-port 5002 --page-port 5003'],
  [0, '--port 0'],
  [0, '--port 65535'],
])('the control address has the port %i with the options "%s"', (port, commandLine) => {
  const options = parseOptions(commandLine.split(' ').filter((word) => word !== ''));
  if (options === 'help') throw new Error('no options');
  expect(controlPortFor(options)).toBe(port);
});
