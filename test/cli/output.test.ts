import { expect } from 'chai';
import { runnerOptions } from '../../src/cli/model.js';
import { print, withProgress } from '../../src/cli/output.js';
import type { RunnerOptions } from '../../src/tensor/runner.js';

/** What is written to a stream while `work` runs, which takes it for a terminal or not. */
async function written(
  stream: NodeJS.WriteStream,
  isTTY: boolean,
  work: () => unknown | Promise<unknown>,
): Promise<string> {
  const before = { write: stream.write, isTTY: stream.isTTY };
  let text = '';
  stream.write = ((part: string | Uint8Array) => {
    text += part;
    return true;
  }) as typeof stream.write;
  stream.isTTY = isTTY;
  try {
    await work();
  } finally {
    Object.assign(stream, before);
  }
  return text;
}

/** Work of a bit more than a second that never pauses, in ten steps. */
const busy = (flags: { quiet?: boolean }) =>
  withProgress('windows', flags, async update => {
    const started = performance.now();
    for (let step = 1; step <= 10; step++) {
      while (performance.now() - started < 125 * step);
      update(step, 10);
    }
  });

describe('graphs', () => {
  it('run in a thread of their own where somebody watches, and are packed for many runs', async () => {
    const flags = { model: 'm' };
    const options: RunnerOptions[] = [];
    for (const isTTY of [true, false]) {
      await written(process.stderr, isTTY, () => void options.push(runnerOptions(flags, 1)));
    }
    await written(process.stderr, true, () => void options.push(runnerOptions({ ...flags, quiet: true }, 100)));
    const expected = [
      { host: 'worker', pack: false },
      { host: 'inline', pack: false },
      { host: 'inline', pack: true },
    ];
    expect(options).to.deep.equal(expected);
    expect(runnerOptions({ ...flags, threads: 3, quantize: 's8' }, 1)).to.include({ threads: 3, quantize: 's8' });
  });
});

describe('the progress bar', () => {
  it('appears on a terminal after a second, even when the work never pauses, and is cleared', async () => {
    const text = await written(process.stderr, true, () => busy({}));
    expect(text).to.match(/windows .*\d+% \| \d+\/10 \|/);
    expect(text.endsWith('\u001b[2K'), JSON.stringify(text.slice(-20))).to.equal(true);
    // Neither a hidden cursor nor a changed line wrap, which an interrupt would leave.
    for (const mode of ['?25', '?7']) expect(text).to.not.include(`\u001b[${mode}`);
  });

  it('does not appear without a terminal, with --quiet, or for short work', async () => {
    expect(await written(process.stderr, false, () => busy({}))).to.equal('');
    expect(await written(process.stderr, true, () => busy({ quiet: true }))).to.equal('');
    const short = () => withProgress('texts', {}, async update => update(1, 1));
    expect(await written(process.stderr, true, short)).to.equal('');
  });

  it('goes away when the work fails', async () => {
    const failing = () =>
      withProgress('windows', {}, async update => {
        const started = performance.now();
        while (performance.now() - started < 1010);
        update(1, 2);
        throw new Error('no more');
      }).catch(error => expect(error.message).to.equal('no more'));
    const text = await written(process.stderr, true, failing);
    expect(text).to.match(/1\/2/);
    expect(text.endsWith('\u001b[2K')).to.equal(true);
  });
});

describe('print', () => {
  it('prints one JSON object, or lines in which names cannot write to the terminal', async () => {
    const value = { name: 'a\u001b[31m\nb' };
    const lines = () => [value.name, '  1.0 %  sky'];
    expect(await written(process.stdout, true, () => print({ json: true }, value, lines))).to.equal(
      '{"name":"a\\u001b[31m\\nb"}\n',
    );
    expect(await written(process.stdout, true, () => print({}, value, lines))).to.equal(
      'a\\u{001b}[31m\\u{000a}b\n  1.0 %  sky\n',
    );
  });
});
