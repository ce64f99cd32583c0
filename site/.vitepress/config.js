// The documentation as a site: `npm run docs`. The pages are those of docs/, which read well without it, too.
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { defineConfig } from 'vitepress';
import { withMermaid } from 'vitepress-plugin-mermaid';

const docs = path.join(import.meta.dirname, '..', '..', 'docs');
const manifest = JSON.parse(readFileSync(path.join(docs, '..', 'package.json'), 'utf8'));
const repository = manifest.homepage.replace(/#.*$/, '');

const sections = {
  'Get started': 'get-started',
  Guides: 'guides',
  Reference: 'reference',
  Operate: 'operate',
  Evidence: 'evidence',
  Decisions: 'adr',
};

/** The pages of a folder, by their own titles. */
const pagesIn = (folder) =>
  globSync('*.md', { cwd: path.join(docs, folder) })
    .toSorted()
    .map((file) => ({
      text: /^# (.*)$/m.exec(readFileSync(path.join(docs, folder, file), 'utf8'))?.[1] ?? file,
      link: `/${folder}/${file.replace(/\.md$/, '')}`,
    }));

/**
 * A link as it is on the site. Other files than pages are served unchanged. What is outside docs/ is in the repository.
 *
 * @param page the path of the page in docs/
 */
function linkOnSite(page, href) {
  if (/^([a-z]+:|#|\/)/.test(href)) return href;
  const [file, anchor = ''] = href.split(/(?=#)/);
  const target = path.posix.normalize(path.posix.join(path.posix.dirname(page), file));
  if (target.startsWith('../')) return `${repository}/blob/main/${target.slice(3)}${anchor}`;
  if (target === 'api.yaml') return '/api.html';
  if (target === 'adr') return '/adr/0001-store-each-fact-with-one-conditional-write';
  if (target === 'README.md') return `/${anchor}`;
  return path.posix.extname(target) === '.md' ? href : `/${target}${anchor}`;
}

function useLinks(markdown) {
  markdown.core.ruler.push('links-on-site', ({ tokens, env }) => {
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      if (token.type !== 'link_open') continue;
      const href = linkOnSite(
        env.relativePath === 'index.md' ? 'README.md' : env.relativePath,
        token.attrGet('href'),
      );
      token.attrSet('href', href);
      // The browser loads what is not a page.
      if (/^\/.*\.[a-z]+(#|$)/.test(href)) token.attrSet('target', '_self');
    }
  });
}

export default withMermaid(
  defineConfig({
    title: 'Lapse',
    description: manifest.description,
    srcDir: 'pages',
    outDir: path.join(docs, '..', 'dist', 'site'),
    rewrites: { 'README.md': 'index.md' },
    lastUpdated: false,
    vite: { publicDir: path.join(import.meta.dirname, '..', 'public') },
    markdown: { config: useLinks },
    // Served by the files that are copied. All other dead links fail the build.
    ignoreDeadLinks: [/^\/api\.html$/, /\.(json|svg|png|yaml)$/],
    themeConfig: {
      search: { provider: 'local' },
      nav: [
        { text: 'API', link: '/api.html', target: '_self' },
        { text: 'Construct', link: '/reference/construct' },
        { text: 'Glossary', link: '/glossary' },
      ],
      sidebar: Object.entries(sections).map(([text, folder]) => ({
        text,
        collapsed: folder === 'adr',
        items: pagesIn(folder),
      })),
    },
  }),
);
