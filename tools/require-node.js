// Plain JavaScript, loaded with --import before any TypeScript. So an older Node ends with a message instead of a syntax error.
const [major] = process.versions.node.split('.').map(Number);
if (major < 24) {
  console.error(
    `Lapse needs Node 24 or newer, and this is ${process.version}. Install Node 24 (https://nodejs.org). ` +
      'On Linux x64, `npm ci` with optional packages brings its own.',
  );
  process.exit(1);
}
