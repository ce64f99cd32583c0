// Plain JavaScript, loaded with --import before any TypeScript, so that an older Node ends in one sentence
// instead of a syntax error.
const [major] = process.versions.node.split('.').map(Number);
if (major < 24) {
  console.error(
    `Lapse needs Node 24 or newer and this is ${process.version}: install Node 24 (https://nodejs.org), ` +
      'or on Linux x64 run `npm ci` again with optional packages, which brings its own.',
  );
  process.exit(1);
}
