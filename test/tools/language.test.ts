import { describe, expect, it } from 'vitest';
import { checkFile } from '../../tools/language/check-text.ts';
import { covers } from '../../tools/language/quotations.ts';
import { readFile } from '../../tools/language/read-file.ts';
import { sentencesOf, wordsIn } from '../../tools/language/sentences.ts';
import { nameRules, partsOfName, wordRules } from '../../tools/language/word-rules.ts';

const check = (file: string, source: string): string[] =>
  checkFile(file, readFile(file, source)).map(({ line, rule }) => `${line} ${rule}`);

/** For each rule a text that breaks it, and one with the same words in a meaning that is allowed. */
const wordFixtures: Record<string, { readonly broken: string; readonly fine: string }> = {
  whoever: { broken: 'Whoever calls it waits.', fine: 'The caller waits, whatever it calls.' },
  nobody: { broken: 'Nobody calls it.', fine: 'No body is parsed.' },
  somebody: { broken: 'Somebody calls it.', fine: 'Some body text is parsed.' },
  anybody: { broken: 'Anybody may call it.', fine: 'Anyone may call it.' },
  anew: { broken: 'The timer is set anew.', fine: 'The timer is set again.' },
  nought: { broken: 'It counts from nought.', fine: 'It counts from zero.' },
  'is-no': { broken: 'A timeout is no failure.', fine: 'There is no failure, and it is no longer open.' },
  'what-is-so': { broken: 'The page says what is so.', fine: 'What is slow is the read.' },
  'is-said-of': { broken: 'It is said of every request.', fine: 'The page shows it.' },
  'comes-to': { broken: 'What the cancel came to is recorded.', fine: 'The cancel comes together.' },
  'goes-off': { broken: 'The timer goes off.', fine: 'The timer fires off the main thread.' },
  rings: { broken: 'The alarm rings.', fine: 'A ring buffer holds the strings.' },
  'heard-of': { broken: 'A request never heard of.', fine: 'The webhook is heard.' },
  'given-up': { broken: 'Messages of the given up session.', fine: 'The retry is given up after a minute.' },
  'kept-promises': { broken: 'The engine kept its promises.', fine: 'The function awaits promises.' },
  deed: { broken: 'A deed of the customer.', fine: 'Indeed, an action.' },
  rubbish: { broken: 'It refuses rubbish.', fine: 'It refuses malformed input.' },
  leashed: { broken: 'A leashed process.', fine: 'A lease of a process.' },
  doors: { broken: 'The doors are open.', fine: 'The endpoints are open.' },
  passage: { broken: 'A passage to the table.', fine: 'It passes to the table.' },
  meddler: { broken: 'A meddler between both.', fine: 'A proxy in the middle.' },
  errand: { broken: 'One errand per request.', fine: 'One errant request.' },
  patience: { broken: 'Its patience ends.', fine: 'Its time limit ends.' },
  rehearse: { broken: 'A rehearsed cancel.', fine: 'A dry run of a cancel.' },
  complaint: { broken: 'The complaint names the field.', fine: 'The violation names the field.' },
  answer: { broken: 'The answer has a body.', fine: 'The function answers 409.' },
  looks: { broken: 'It ends after ten more looks.', fine: 'It looks at the record.' },
  personification: { broken: 'The code is short of breath.', fine: 'The code is short.' },
  he: { broken: 'The operator runs it when he can.', fine: 'The operator runs it when they can.' },
  cancelled: { broken: 'It is cancelled.', fine: 'It is canceled: the cancellation holds.' },
  'not-found-at-klarna': {
    broken: 'The state not_found_at_klarna holds.',
    fine: 'The state not_found holds.',
  },
};

const nameFixtures: Record<string, { readonly broken: string; readonly fine: string }> = {
  rehearse: { broken: 'rehearsalOf', fine: 'primeCancel' },
  whoever: { broken: 'isSomebodyWaiting', fine: 'isBodyWaiting' },
  anew: { broken: 'armAnew', fine: 'armNew' },
  deed: { broken: 'customerDeed', fine: 'indeed' },
  rubbish: { broken: 'rubbishBodies', fine: 'malformedBodies' },
  leashed: { broken: 'leashedProcess', fine: 'leasedProcess' },
  doors: { broken: 'openDoors', fine: 'openEndpoints' },
  bell: { broken: 'changeBell', fine: 'labelled' },
  passage: { broken: 'dynamodbPassage', fine: 'passed' },
  meddler: { broken: 'Meddler', fine: 'middle' },
  errand: { broken: 'errandOf', fine: 'errantOf' },
  patience: { broken: 'patienceMs', fine: 'timeoutMs' },
  complaint: { broken: 'complaintsOf', fine: 'compliant' },
  answer: { broken: 'SessionAnswer', fine: 'answeredAt' },
  looks: { broken: 'looksLeft', fine: 'lookUp' },
  cancelled: { broken: 'isCancelled', fine: 'isCanceled' },
  absence: { broken: 'absenceOf', fine: 'absentFields' },
};

describe('the word list', () => {
  it('the word list has a fixture for every rule', () => {
    expect(Object.keys(wordFixtures)).toEqual(wordRules.map(({ id }) => id));
    expect(Object.keys(nameFixtures)).toEqual(nameRules.map(({ id }) => id));
  });

  it.each(Object.entries(wordFixtures))(
    'the rule word/%s reports only a text that breaks it',
    (id, texts) => {
      expect(check('docs/page.md', texts.broken)).toContain(`1 word/${id}`);
      expect(check('docs/page.md', texts.fine)).toEqual([]);
    },
  );

  it.each(Object.entries(nameFixtures))(
    'the rule name/%s reports only a name that breaks it',
    (id, names) => {
      expect(check('lib/a.ts', `const ${names.broken} = 1;`)).toContain(`1 name/${id}`);
      expect(check('lib/a.ts', `const ${names.fine} = 1;`)).toEqual([]);
    },
  );

  it('the word list applies to the path of a file', () => {
    expect(check('local/dynamodb/leashed-process.ts', '')).toEqual(['1 name/leashed']);
  });

  it('a name is divided at capitals, digits and punctuation', () => {
    expect(partsOfName('HTTPResponse')).toEqual(['http', 'response']);
    expect(partsOfName('local/aws/open-doors.ts')).toEqual(['local', 'aws', 'open', 'doors', 'ts']);
    expect(partsOfName('snake_case_v2Name')).toEqual(['snake', 'case', 'v2', 'name']);
  });
});

const long = `${'word '.repeat(25)}more`;

describe('the length of a sentence', () => {
  it('a sentence may have 25 words', () => {
    expect(check('docs/page.md', `${long}.`)).toEqual(['1 sentence-length']);
    expect(check('docs/page.md', `${long.slice(5)}. ${long.slice(5)}.`)).toEqual([]);
  });

  it('the length of a sentence counts inline code as one word, and punctuation as none', () => {
    expect(wordsIn('It runs `npm run check` – then → ends')).toBe(5);
    expect(wordsIn('a, b; "c"')).toBe(3);
  });

  it('a sentence does not end at a number, a file name or an abbreviation', () => {
    expect(
      sentencesOf('Of 1.5 s, e.g. in a.ts or i.e. here. Second one! (Third?) fourth').map(({ text }) => text),
    ).toEqual(['Of 1.5 s, e.g. in a.ts or i.e. here.', 'Second one!', '(Third?)', 'fourth']);
  });

  it('a long sentence is reported on the line where it begins', () => {
    expect(check('docs/page.md', `# Title\n\nOne.\nTwo. ${long}\nof it.`)).toEqual(['4 sentence-length']);
  });
});

describe('Markdown', () => {
  it('headings, tables and code in Markdown may have long sentences', () => {
    expect(check('docs/page.md', `# ${long}\n\n| ${long} |\n\n\`\`\`\n${long}\n\`\`\`\n`)).toEqual([]);
  });

  it('headings and tables in Markdown keep to the word list', () => {
    expect(check('docs/page.md', '# Nobody\n\n| whoever |\n')).toEqual(['1 word/nobody', '3 word/whoever']);
  });

  it('names in Markdown code keep to the list of names', () => {
    expect(check('docs/page.md', 'Use `leashedProcess`.\n\n```\nopenDoors()\n```\n')).toEqual([
      '1 name/leashed',
      '4 name/doors',
    ]);
  });

  it('each list item in Markdown is a text', () => {
    expect(check('docs/page.md', `- ${long.slice(5)}\n- ${long.slice(5)}\n1. ${long.slice(5)}`)).toEqual([]);
  });

  it('link texts in Markdown are read, and link targets are not', () => {
    expect(check('docs/page.md', '[nobody](https://example.com/whoever)')).toEqual(['1 word/nobody']);
  });
});

describe('TypeScript', () => {
  it('adjacent comment lines in TypeScript are one text', () => {
    expect(check('lib/a.ts', `// ${long.slice(0, 60)}\n// ${long}\n`)).toEqual(['1 sentence-length']);
  });

  it('each docblock tag begins a text, and examples are code', () => {
    const source = [
      '/**',
      ` * ${long.slice(5)}`,
      ` * @param a ${long.slice(5)}`,
      ' * @example',
      ` * ${long}`,
      ' */',
    ];
    expect(check('lib/a.ts', [...source, 'export const a = 1;'].join('\n'))).toEqual([]);
    expect(check('lib/a.ts', '/**\n * Fine.\n * @returns what nobody needs\n */\nconst a = 1;')).toEqual([
      '3 word/nobody',
    ]);
  });

  it('comments at the end of a block and in an expression are read', () => {
    expect(check('lib/a.ts', 'f(/* nobody */ 1, () => {\n  g();\n  // whoever\n});')).toEqual([
      '1 word/nobody',
      '3 word/whoever',
    ]);
  });

  it('joined strings are read as one text', () => {
    expect(check('lib/a.ts', `const a = '${long.slice(5)} ' +\n  'and ' + b + ' more.';`)).toEqual([
      '1 sentence-length',
    ]);
    expect(check('lib/a.ts', "const a = 'for no' +\n  'body, and for nobody';")).toEqual([
      '1 word/nobody',
      '2 word/nobody',
    ]);
  });

  it('expressions in template strings are read apart from the text', () => {
    expect(
      check('lib/a.ts', "const a = `it is\nfor ${b ? 'nobody at all' : c.leashed}\nor whoever`;"),
    ).toEqual(['2 word/nobody', '2 name/leashed', '3 word/whoever']);
  });

  it('a comment mark in a string begins no comment', () => {
    expect(check('test/a.ts', `const a = 'http://host // ${long}';`)).toEqual([]);
  });

  it('test names keep to all rules, and other strings of tests to the word list only', () => {
    expect(check('test/a.test.ts', `it.each([1])('${long}', () => f('${long}', 'of nobody'));`)).toEqual([
      '1 sentence-length',
      '1 word/nobody',
    ]);
  });

  it('directives for tools are not read', () => {
    expect(check('lib/a.ts', `// Stryker disable next-line all: ${long}\nconst a = 1;`)).toEqual([]);
  });
});

describe('other files', () => {
  it('texts of YAML are read as prose, with their lines', () => {
    const source = [
      'info:',
      '  title: For nobody',
      '  description: |',
      '    Fine.',
      '',
      `    ${long}`,
      '  other: nobody',
      '  summary: >-',
      '    whoever',
      '# anew',
    ];
    expect(check('docs/api.yaml', source.join('\n'))).toEqual([
      '2 word/nobody',
      '6 sentence-length',
      '7 name/whoever',
      '9 word/whoever',
      '10 word/anew',
    ]);
  });

  it('a YAML property called description is not a text', () => {
    expect(check('docs/api.yaml', 'properties:\n  description:\n    type: string\n    x: anew\n')).toEqual([
      '4 name/anew',
    ]);
  });

  it('JSON descriptions are read as prose, and values as names', () => {
    const source = '{\n  "description": "What nobody needs",\n  "const": "rehearsed"\n}';
    expect(check('docs/events/a.schema.json', source)).toEqual([
      '2 word/nobody',
      '2 name/whoever',
      '3 name/rehearse',
    ]);
  });

  it('comments of CSS and shell scripts are read', () => {
    expect(check('a.css', `a {}\n/* ${long}\n   for nobody */`)).toEqual([
      '2 sentence-length',
      '3 word/nobody',
    ]);
    expect(check('.ci/run', `#!/usr/bin/env bash\n# ${long}\nfor whoever`)).toEqual([
      '2 sentence-length',
      '3 name/whoever',
    ]);
  });

  it('the text of HTML pages is read', () => {
    expect(check('page.html', '<p title="Anybody">\n  For nobody\n</p>')).toEqual([
      '1 word/anybody',
      '2 word/nobody',
    ]);
  });
});

describe('a quotation', () => {
  const violation = { file: 'docs/a.md', line: 3, rule: 'word/nobody', found: 'nobody', instead: '' };

  it('a quotation covers its file, its rules and its words', () => {
    expect(covers({ file: 'docs/a.md', reason: '' }, violation)).toBe(true);
    expect(covers({ file: 'docs/a.md', rules: ['word/'], found: 'nobody', reason: '' }, violation)).toBe(
      true,
    );
  });

  it('a quotation covers nothing else', () => {
    expect(covers({ file: 'docs/b.md', reason: '' }, violation)).toBe(false);
    expect(covers({ file: 'docs/a.md', rules: ['name/', 'word/he'], reason: '' }, violation)).toBe(false);
    expect(covers({ file: 'docs/a.md', found: 'whoever', reason: '' }, violation)).toBe(false);
  });
});
