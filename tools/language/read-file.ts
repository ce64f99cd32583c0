import { readMarkdown } from './read-markdown.ts';
import { readCss, readHashComments, readJson, readMarkup, readNames, readYaml } from './read-other.ts';
import { readTypeScript } from './read-typescript.ts';
import type { TextBlock } from './text-block.ts';

/** The folder whose strings are values of tests: their words are checked, their length is not. */
const testFolder = 'test/';

/** The texts of a file, by its name. A file of an unknown kind has names only. */
export function readFile(file: string, source: string): TextBlock[] {
  const extension = /\.(\w+)$/.exec(file)?.[1] ?? '';
  switch (extension) {
    case 'md':
      return readMarkdown(source);
    case 'ts':
    case 'js':
    case 'cjs':
    case 'mjs':
      return readTypeScript(file, source, file.startsWith(testFolder) ? 'label' : 'string');
    case 'yaml':
    case 'yml':
      return readYaml(source);
    case 'json':
      return readJson(file, source);
    case 'css':
      return readCss(source);
    case 'html':
    case 'svg':
      return readMarkup(source);
    case '':
    case 'sh':
      return readHashComments(source);
    default:
      return readNames(source);
  }
}
