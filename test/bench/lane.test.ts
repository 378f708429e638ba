import { join } from 'node:path';
import { expect } from 'chai';
import { fresh, type Lane, steady } from '../../src/bench/lane.js';
import { InputError } from '../../src/errors.js';
import { inTemporaryFolder } from '../files/temporary.js';

/** A process that runs a script of Node's, in which `say` writes a line and `given` is what it was given. */
const lane = (script: string, given: object = {}): Lane => ({
  program: process.execPath,
  words: [
    '-e',
    `const given = JSON.parse(process.argv[1]);
     const say = value => process.stdout.write(JSON.stringify(value) + '\\n');
     const onRun = f => require('node:readline').createInterface({ input: process.stdin })
       .on('line', line => f(JSON.parse(line).output));
     ${script}`,
  ],
  given,
});

const counting = `
  let runs = 0;
  say({ about: { thing: '1.2' } });
  onRun(output => {
    runs++;
    if (output) require('node:fs').writeFileSync(output, Float32Array.of(runs, given.base));
    say({ cpu: runs, wall: 10 * runs, total: 100 * runs, peak: 1000 * runs });
  });`;

const failure = (work: Promise<unknown>): Promise<Error> =>
  work.then(
    () => expect.fail('expected a failure'),
    error => error,
  );

describe('lane', () => {
  it('warms a process up, measures its runs and takes what it wrote', () =>
    inTemporaryFolder(async dir => {
      const runner = await steady(lane(counting, { base: 7 }), join(dir, 'output'));
      expect(runner.about).to.deep.equal({ thing: '1.2' });
      expect(await runner.candidate(false)).to.deep.equal({ cpu: 2, wall: 20, peak: 2000 });
      const { output, ...times } = await runner.candidate(true);
      expect(times).to.deep.equal({ cpu: 3, wall: 30, peak: 3000 });
      expect([...output!]).to.deep.equal([3, 7]);
      await runner.end();
    }));

  it('starts a new process for every run, and counts all that it spent', () =>
    inTemporaryFolder(async dir => {
      const peaks: number[] = [];
      const runner = await fresh(lane(counting, { base: 7 }), join(dir, 'output'), peaks);
      for (let run = 0; run < 2; run++) {
        const { cpu, wall, output } = await runner.candidate(true);
        expect(cpu).to.equal(100);
        expect(wall).to.be.greaterThan(10);
        expect([...output!]).to.deep.equal([1, 7]);
      }
      expect(peaks).to.deep.equal([1000, 1000]);
      await runner.end();
    }));

  it('hears the answer among what libraries say', async () => {
    const chatty = `console.log('loading'); console.log('{ not ours }'); ${counting}`;
    const runner = await steady(lane(chatty), 'unused');
    expect(await runner.candidate(false)).to.deep.equal({ cpu: 2, wall: 20, peak: 2000 });
    await runner.end();
  });

  it('gives the reason why there is no answer', async () => {
    const reason = async (script: string) => failure(steady(lane(script), 'unused'));
    expect((await reason(`say({ error: 'no such model' })`)).message).to.equal('no such model');
    const input = await reason(`say({ error: 'm: expected weights', input: true })`);
    expect(input).to.be.instanceOf(InputError);
    expect((await reason(`console.error('first\\nlast'); process.exit(1)`)).message).to.equal('last');
    expect((await reason('')).message).to.match(/ended without a word$/);
    expect(
      (await reason(`say({ about: {} }); onRun(() => { console.error('broke'); process.exit(1) })`)).message,
    ).to.equal('broke');
    const missing = steady({ program: '/nowhere/python', words: [], given: {} }, 'unused');
    expect((await failure(missing)).message).to.match(/ENOENT/);
  });
});
