import { packPackages } from '../support/pack-packages.ts';
import { tarballs } from './tarballs.ts';

/** Packs the packages that the tests of this folder install. */
export const setup = (): Promise<void> => packPackages(tarballs);
