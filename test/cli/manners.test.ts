/** What holds for every command: where it writes what, and how it ends. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { inTemporaryFolder } from '../files/temporary.js';
import { ahead, run, scene, succeed } from './run.js';

/** The commands and their flags, which do not change. */
const model = ['--model', '--engine', '--threads', '--quantize', '--quiet', '--json'];
const variant = ['--method', '--attention', '--residual', '--ffn', '--blocks', '--positions', '--exif'];
const sizes = ['--short-side', '--window', '--stride'];
const classes = ['--classes', '--classes-file'];
const flags: Record<string, readonly string[]> = {
  segment: [...model, ...variant, ...sizes, ...classes, '--background', '--pamr', '--output', '--labels', '--logits'],
  classify: [...model, ...classes, '--templates', '--top', '--exif'],
  embed: [...model, ...variant, '--text', '--output'],
  tokenize: ['--context', '--truncate', '--file', '--quiet', '--json'],
  preprocess: ['--size', '--pixels', '--exif', '--output', '--quiet', '--json'],
  inspect: [...model, ...variant, '--text', '--see', '--list', '--output', '--pictures'],
  compare: [...model, ...variant, ...sizes, '--methods', '--classes', '--output'],
  export: ['--model', ...variant, '--output', '--text', '--see', '--weights', '--quantize', '--quiet', '--json'],
  bench: ['--peers', '--filter', '--rounds', '--threads', '--model', '--json'],
  evaluate: [
    ...[...model, '--dataset', '--classes-file', '--methods', '--method', '--sweep', '--protocol', '--limit', '--run'],
    ...['--workers', '--shard-size', '--prefix-cache', '--prefix-cache-size', '--output', '--grid', '--check'],
  ],
  analyze: [...model, '--dataset', '--classes-file', '--limit', '--output'],
  train: ['--config', '--output', '--resume', '--steps', '--threads', '--quiet', '--json'],
  scenes: ['--output', '--seed', '--size', '--format', '--classes', '--sheet', '--quiet', '--json'],
  convert: ['--output', '--dtype', '--quiet', '--json'],
  pull: ['--revision', '--endpoint', '--dir', '--quiet', '--json'],
};

/** Work of half a minute that says nothing before its end. */
const long = ['segment', scene(1), '--classes', 'sand; sky', '--short-side', '600', '--window', '48', '--stride', '6'];

describe('clipscope', () => {
  it('helps with every command, on standard output', async () => {
    const names = Object.keys(flags);
    const [all, ...helps] = await Promise.all(
      ahead([['--help'], ...names.map(name => [name, '--help'])].map(args => () => succeed(args))),
    );
    names.forEach((name, i) => {
      expect(all, name).to.match(new RegExp(`^  ${name} +\\S`, 'm'));
      const help = helps[i]!;
      expect(help).to.match(new RegExp(`^Usage: clipscope ${name} `));
      for (const flag of flags[name]!) expect(help, name).to.match(new RegExp(`^  (-o, )?${flag}\\b`, 'm'));
      expect(help, 'no path of this machine').to.not.match(/default:\s+"\//);
      for (const line of help.split('\n').slice(0, -2)) expect(line.length, line).to.be.at.most(110);
    });
    expect(await succeed(['help', 'embed'])).to.equal(helps[names.indexOf('embed')]);
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    expect(await succeed(['--version'])).to.equal(`${version}\n`);
  });

  it('without a command prints its help on standard error, as bad usage', async () => {
    const { status, stdout, stderr } = await run([]);
    expect({ status, stdout }).to.deep.equal({ status: 2, stdout: '' });
    expect(stderr).to.match(/^Usage: clipscope /);
  });

  it('loads no engine to help', () =>
    inTemporaryFolder(async dir => {
      await succeed(['--help'], { env: { NODE_V8_COVERAGE: dir } });
      const [report] = readdirSync(dir).map(name => JSON.parse(readFileSync(join(dir, name), 'utf8')));
      const loaded: string[] = report.result.map(({ url }: { url: string }) => url);
      const ours = loaded.filter(url => url.includes('/dist/node/'));
      expect(loaded.filter(url => /@tensorflow|onnxruntime|jimp/.test(url))).to.deep.equal([]);
      const bytes = ours.map(url => statSync(fileURLToPath(url)).size).reduce((sum, size) => sum + size, 0);
      expect(bytes, 'of the program, which is more than a megabyte').to.be.within(1e3, 3e4);
    }));

  it('says nothing on standard error while it works, where that is no terminal', async () => {
    const args = [
      'segment',
      scene(1),
      '--classes',
      'sand; sky',
      '--short-side',
      '300',
      '--window',
      '48',
      '--stride',
      '12',
    ];
    const { status, stdout, stderr } = await run(args);
    expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' });
    expect(stdout).to.match(/^\S+scene-1\.png\n( +[\d.]+ % {2}\w+\n)+$/);
  });

  it('ends in peace when its reader has seen enough', () =>
    inTemporaryFolder(async dir => {
      const texts = join(dir, 'texts.json');
      writeFileSync(texts, JSON.stringify(Array(100_000).fill('a cat')));
      const { status, stderr } = await run(['tokenize', '--file', texts], {
        meanwhile: ({ stdout }) => stdout!.once('data', () => stdout!.destroy()),
      });
      expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' });
    }));

  it('leaves nothing behind when it is interrupted', () =>
    inTemporaryFolder(async dir => {
      const { signal, stdout } = await run(
        [...long, '-o', join(dir, 'o.png'), '--logits', join(dir, 'o.safetensors')],
        {
          meanwhile: child => setTimeout(() => child.kill('SIGINT'), 1500),
        },
      );
      expect({ signal, stdout }).to.deep.equal({ signal: 'SIGINT', stdout: '' });
      expect(readdirSync(dir)).to.deep.equal([]);
    }));
});
