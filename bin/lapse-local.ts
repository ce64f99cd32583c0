/** `lapse-local`, the executable of the package: the command, where Node can load its modules. */
const [major] = process.versions.node.split('.');

if (Number(major) < 24) {
  console.error(`lapse-local needs Node 24 or newer, and this is ${process.version}.`);
  process.exitCode = 1;
} else {
  // The package has it beside this file.
  await import(new URL('command.js', import.meta.url).href);
}
