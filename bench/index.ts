/** `npm run bench -- NAME [flags]`: runs one benchmark of this folder. */
const names = ['ops', 'models', 'profile', 'memory', 'startup', 'parity', 'card'] as const;

const [asked] = process.argv.splice(2, 1);
const name = names.find(known => known === asked);
if (name) {
  await import(`./${name}.js`);
} else {
  console.error(`bench: expected one of ${names.join(', ')}, got ${asked ?? 'nothing'}`);
  process.exitCode = 2;
}
