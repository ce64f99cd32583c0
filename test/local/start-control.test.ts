import { describe, expect, it } from 'vitest';
import { controlPortFor } from '../../local/start-control.ts';

const others = { port: 4300, webhookPort: 4001, klarnaPort: 4002, pagePort: undefined };

describe('the control address', () => {
  it('takes the port after the one of the API', () => {
    expect(controlPortFor(others)).toBe(4301);
  });

  it('leaves the ports that the other flags name', () => {
    expect(controlPortFor({ port: 4300, webhookPort: 4301, klarnaPort: 4302, pagePort: 4303 })).toBe(4304);
  });

  it('takes a free port where the API has a free port, and where no port is left', () => {
    expect(controlPortFor({ ...others, port: 0 })).toBe(0);
    expect(controlPortFor({ ...others, port: 65_535 })).toBe(0);
  });
});
