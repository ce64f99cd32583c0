import { BlockList, isIP, isIPv4 } from 'node:net';

interface AddressBlock {
  readonly address: string;
  readonly prefix: number;
  readonly family: 'ipv4' | 'ipv6';
}

function parseAddressBlock(text: string): AddressBlock | undefined {
  const [address = '', prefixText, ...rest] = text.split('/');
  if (isIP(address) === 0 || rest.length > 0) return undefined;
  const family = isIPv4(address) ? 'ipv4' : 'ipv6';
  const longest = family === 'ipv4' ? 32 : 128;
  if (prefixText === undefined) return { address, prefix: longest, family };
  const prefix = Number(prefixText);
  return /^\d{1,3}$/.test(prefixText) && prefix <= longest ? { address, prefix, family } : undefined;
}

/** Whether the text is an address or a CIDR block. */
export const isAddressBlock = (text: string): boolean => parseAddressBlock(text) !== undefined;

/** Whether an address is in one of the blocks. */
export function isInBlocks(address: string, blocks: readonly string[]): boolean {
  const list = new BlockList();
  for (const block of blocks) {
    const parsed = parseAddressBlock(block);
    if (parsed) list.addSubnet(parsed.address, parsed.prefix, parsed.family);
  }
  return isIP(address) !== 0 && list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
}
