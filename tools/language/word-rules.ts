/** A word or a phrase that no text of this repository has. */
export interface WordRule {
  /** Stands in the message, as `word/nobody`. */
  readonly id: string;
  /** Global and case-insensitive. */
  readonly pattern: RegExp;
  /** What to write instead. */
  readonly instead: string;
}

/** A part of a name (of an identifier, a file or a property) that no name has. */
export interface NameRule {
  /** Stands in the message, as `name/deed`. */
  readonly id: string;
  /** Matches a whole part of a name in lower case: `somebody` in `isSomebodyWaiting`. */
  readonly pattern: RegExp;
  readonly instead: string;
}

const word = (id: string, pattern: RegExp, instead: string): WordRule => ({
  id,
  pattern: new RegExp(pattern.source, 'giu'),
  instead,
});

const determiner =
  "an?|the|its|his|her|their|our|my|your|no|any|each|every|this|that|these|those|of|with|without|first|last|next|other|another|clear|same|such|whose|klarna's|api's|late|lost|real|two|all";

/** The word list of texts. Where a word is fine in another meaning, the pattern names the meaning that is not. */
export const wordRules: readonly WordRule[] = [
  word('whoever', /\bwhoever\b/, 'name the subject: "the caller", "the operator"'),
  word('nobody', /\bnobody\b/, 'name the subject, or write "no one"'),
  word('somebody', /\bsomebody\b/, 'name the subject: "another caller", "an operator"'),
  word('anybody', /\banybody\b/, 'name the subject, or write "anyone"'),
  word('anew', /\banew\b/, '"again"'),
  word('nought', /\b(?:nought|naught)\b/, '"zero" or "nothing"'),
  word(
    'is-no',
    /(?<!\bthere )\b(?:is|are|was|were) no (?!longer|more|less|fewer|later|earlier|older|newer|one\b|other|better|worse|bigger|larger|smaller|shorter|slower|faster)[a-z]+/,
    '"is not a …"',
  ),
  word('what-is-so', /\bwhat is so\b|\b(?:came|come|comes) to be so\b/, 'say the fact'),
  word('is-said-of', /\b(?:is|are) said of\b/, 'name who says it'),
  word('comes-to', /\b(?:comes?|came|coming) to\b(?! (?:light|rest)\b)/, '"results in", "is", "reaches"'),
  word('goes-off', /\b(?:go|goes|going|went|gone) off\b/, '"fires"'),
  word(
    'rings',
    /\b(?:rings|rang|ringing)\b|\b(?:bells?|alarms? ring)\b/,
    '"fires" for a timer, "alerts" for an alarm',
  ),
  word('heard-of', /\bheard of\b/, '"seen"'),
  word(
    'given-up',
    /\bgiven-up\b|\b(?:the|each|every|many|any|of|what was) given up\b/,
    '"exhausted", "abandoned after N attempts"',
  ),
  word('kept-promises', /\b(?:kept|keeps?) (?:(?:its|their|the) )?promises?\b/, '"guarantees hold"'),
  word('deed', /\bdeeds?\b/, '"action"'),
  word('rubbish', /\brubbish\b/, '"malformed input"'),
  word('leashed', /\bleash(?:ed|es)?\b/, '"child process"'),
  word('doors', /\bdoors?\b/, '"endpoint"'),
  word('passage', /\bpassages?\b/, '"proxy"'),
  word('meddler', /\bmeddl(?:ers?|es?|ed|ing)\b/, '"fault injector", "interferes"'),
  word('errand', /\berrands?\b/, '"request", "task"'),
  word('patience', /\bpatience\b|\bimpatien(?:ce|t|tly)\b|\bpatiently\b/, '"timeout", "time limit"'),
  word(
    'rehearse',
    /\b\w*rehears\w*\b/,
    '"dry run" for a cancel that is not sent, "prime" for code that runs before the first event',
  ),
  word('complaint', /\bcomplaints?\b|\bcomplains?\b/, '"violation"'),
  word(
    'answer',
    new RegExp(`\\b(?:${determiner}) answers?\\b|\\banswers? (?:of|from|to|is|are|was|were|has|have)\\b`),
    '"response"',
  ),
  word(
    'looks',
    /\b(?:an?|the|each|every|first|last|next|one|two|three|more|many|few|of|fewer|other|another|second|third|own|its) looks?\b/,
    '"attempts", "reads"',
  ),
  word(
    'personification',
    /\b(?:short of breath|hangs? lower|empty room|believes nothing|all well again)\b/,
    'say the fact',
  ),
  word('he', /\b(?:he|him|his|himself)\b/, '"you" or "the operator"'),
  word('cancelled', /\bcancell(?:ed|ing)\b/, '"canceled", "canceling": one l, as Klarna writes it'),
  word('not-found-at-klarna', /\bnot_found_at_klarna\b/, '"not_found"'),
];

const name = (id: string, pattern: RegExp, instead: string): NameRule => ({ id, pattern, instead });

/** The word list of names: identifiers, property names, values of one word, paths, and code in Markdown. */
export const nameRules: readonly NameRule[] = [
  name('rehearse', /^rehears/, '`dryRun` or `prime…`'),
  name('whoever', /^(?:whoever|nobody|somebody|anybody)$/, 'name the subject'),
  name('anew', /^(?:anew|nought|naught)$/, '`again`, `zero`'),
  name('deed', /^deeds?$/, '`action`'),
  name('rubbish', /^rubbish$/, '`malformed…`'),
  name('leashed', /^(?:un)?leash(?:ed)?$/, '`childProcess`'),
  name('doors', /^doors?$/, '`endpoint`'),
  name('bell', /^bells?$/, '`changeSignal`'),
  name('passage', /^passages?$/, '`proxy`'),
  name('meddler', /^meddl(?:er|ers|e|es|ed|ing)$/, '`faultInjector`'),
  name('errand', /^errands?$/, '`request`, `task`'),
  name('patience', /^(?:im)?patien(?:ce|t)$/, '`timeout`'),
  name('complaint', /^complaints?$/, '`violation`'),
  name('answer', /^answers?$/, '`response`'),
  name('looks', /^looks$/, '`attempts`'),
  name('cancelled', /^cancelled$/, '`canceled`'),
  name('absence', /^(?:absence|absences)$/, '`not_found`'),
];

/** The parts of a name in lower case: `sha256OfBody` has `sha256`, `of` and `body`. */
export function partsOfName(text: string): string[] {
  return text
    .replaceAll(/(\p{Ll}|\d)(\p{Lu})/gu, '$1 $2')
    .replaceAll(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1 $2')
    .split(/[^\p{L}\p{N}]+/u)
    .filter((part) => part !== '')
    .map((part) => part.toLowerCase());
}
