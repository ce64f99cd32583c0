/** Loaded into the command line: every name below `localhost` is this machine (RFC 6761, section 6.3). Not every resolver knows that. */
import dns from 'node:dns';

const lookup = dns.lookup;

function lookupHere(name: string, ...rest: unknown[]): void {
  const here = name.endsWith('.localhost') ? '127.0.0.1' : name;
  Reflect.apply(lookup, dns, [here, ...rest]);
}

Object.assign(dns, { lookup: lookupHere });
