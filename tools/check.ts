/** `npm run check`: format, types, lint, dependency rules, language, and `npm test`. */
import { check } from './check-steps.ts';
import { finish } from './run-script.ts';

finish(await check());
