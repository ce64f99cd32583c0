// Copies docs/ to where VitePress finds its own packages. Other files than pages, and the reader of the API description, go to
// where the site serves them unchanged.
import { cpSync, globSync, rmSync } from 'node:fs';
import path from 'node:path';

const here = import.meta.dirname;
const target = path.join(here, 'public');
for (const folder of ['public', 'pages']) rmSync(path.join(here, folder), { recursive: true, force: true });
const docs = path.join(here, '..', 'docs');
for (const file of globSync('**/*.{yaml,json,svg,png}', { cwd: docs })) {
  cpSync(path.join(docs, file), path.join(target, file));
}
cpSync(docs, path.join(here, 'pages'), { recursive: true, force: true });
cpSync(path.join(here, 'api.html'), path.join(target, 'api.html'));
cpSync(
  path.join(here, 'node_modules', 'redoc', 'bundles', 'redoc.standalone.js'),
  path.join(target, 'redoc.standalone.js'),
);
