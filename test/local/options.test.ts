import { expect, it } from 'vitest';
import { parseOptions, usage } from '../../local/options.ts';

it('without flags there are the default ports, the simulator, no stored data and the demonstration', () => {
  expect(parseOptions([])).toEqual({
    port: 4000,
    webhookPort: 4001,
    klarnaPort: 4002,
    pagePort: undefined,
    klarnaUrl: undefined,
    accountsFile: undefined,
    signingKeysFile: undefined,
    connected: true,
    dataDirectory: undefined,
    scenario: 'demo',
    verbose: false,
    pageOrigins: ['http://localhost:3000', 'http://localhost:5173'],
    timers: 'scheduler',
  });
});

it('every flag in the usage is accepted', () => {
  const flags = [...usage.matchAll(/--[\w-]+/g)].map(([flag]) => flag);
  const values: Record<string, string> = {
    '--klarna-url': 'https://klarna.example',
    '--scenario': 'none',
    '--page-origins': 'https://shop.example',
    '--timers': 'sweep',
  };
  const switches = ['--verbose', '--unconnected'];
  for (const flag of flags) {
    const value = switches.includes(flag) ? [] : [values[flag] ?? '1'];
    expect(() => parseOptions([flag, ...value])).not.toThrow();
  }
  expect(flags).toHaveLength(14);
});

it.each([
  [['--port', '65536'], '--port is 65536; allowed: 0 to 65535.'],
  [['--port=-1'], '--port is -1; allowed: 0 to 65535.'],
  [['--page-port', '-'], '--page-port is -; allowed: 0 to 65535.'],
  [['--webhook-port', 'x'], '--webhook-port is x; allowed: 0 to 65535.'],
  [['--klarna-url', 'ftp://x'], '--klarna-url is ftp://x; allowed: an http or https URL.'],
  [['--page-origins', 'https://shop.example/'], '--page-origins is https://shop.example/; allowed: origins'],
  [['--page-origins', 'shop.example'], '--page-origins is shop.example; allowed: origins'],
  [['--page-origins', ''], '--page-origins is ; allowed: origins'],
  [['--timers', 'cron'], '--timers is cron; allowed: scheduler or sweep.'],
  [['--unconnected', '--accounts', 'a.json'], '--accounts is given; allowed with --unconnected: none.'],
  [['--unconnected', '--scenario', 'demo'], '--scenario is demo; allowed with --unconnected: none.'],
  [['--scenario', 'all'], '--scenario is all; allowed: demo or none.'],
  [['--prot', '1'], "Unknown option '--prot'"],
])('%j is refused with what is allowed', (commandLine, message) => {
  expect(() => parseOptions(commandLine)).toThrow(message);
});

it('an unconnected system plays no demonstration', () => {
  expect(parseOptions(['--unconnected'])).toMatchObject({ connected: false, scenario: 'none' });
});
