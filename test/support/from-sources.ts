/** Loaded with `--import`: `lapse` and the other names that a user imports are the sources, as in tsconfig.json. */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

const root = new URL('../../', import.meta.url);
const { compilerOptions } = JSON.parse(readFileSync(new URL('tsconfig.json', root), 'utf8')) as {
  readonly compilerOptions: { readonly paths: Readonly<Record<string, readonly string[]>> };
};

registerHooks({
  resolve(specifier, context, next) {
    const [source] = compilerOptions.paths[specifier] ?? [];
    return next(source === undefined ? specifier : new URL(source, root).href, context);
  },
});
