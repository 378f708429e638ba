/** Reads what `npm pack --json` prints; complains when the package lacks what it runs on or brings what is no user's business. */
import { existsSync, readFileSync } from 'node:fs';

const report = Object.values(JSON.parse(readFileSync(0, 'utf8')))[0];
const paths = report.files.map(({ path }) => path);

const wanted = [
  ...['README.md', 'LICENSE', 'NOTICE', 'package.json'],
  ...['dist/index.js', 'dist/index.d.ts', 'dist/cli.js', 'dist/browser.js', 'dist/tensor/run/workerThread.browser.js'],
  ...['weights/scenes/config.json', 'weights/scenes/preprocessor_config.json', 'weights/scenes/model.safetensors'],
  'dist/lab/page/index.html',
  ...['data/bpe_simple_vocab_16e6.txt.gz', 'examples/scene-1.png'],
];
const allowed = /^(dist|weights|examples|data|configs|scripts)\/|^(README\.md|LICENSE|NOTICE|package\.json)$/;
const unwanted = /\.map$|\.tsbuildinfo$|\.test\.|fixtures|goldens/;

/** What the bundler makes out of many files. */
const bundled = /^dist\/(lab\/page|node)\//;

/** The source a built file comes from; a built file without one is left over from a file that is gone. */
const sourceOf = path => path.replace(/^dist\//, 'src/').replace(/(?:\.d)?\.([cm]?)[tj]s$/, '.$1ts');

const complaints = [
  ...wanted.filter(path => !paths.includes(path)).map(path => `${path} is missing`),
  ...paths.filter(path => !allowed.test(path) || unwanted.test(path)).map(path => `${path} should not be in it`),
  ...paths
    .filter(path => path.startsWith('dist/') && !bundled.test(path) && !existsSync(sourceOf(path)))
    .map(path => `${path} has no source`),
];
if (report.size > 12e6) complaints.push(`${report.size} bytes packed, more than 12 MB`);
console.log(
  `${paths.length} files, ${(report.size / 1e6).toFixed(1)} MB packed, ${(report.unpackedSize / 1e6).toFixed(1)} MB unpacked`,
);
for (const complaint of complaints) console.error(`npm pack: ${complaint}`);
process.exitCode = complaints.length > 0 ? 1 : 0;
