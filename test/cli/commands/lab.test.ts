/** `clipscope lab` as a process. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const cli = fileURLToPath(new URL('../../../dist/cli.js', import.meta.url));

describe('clipscope lab', function () {
  this.timeout(60_000);

  /** Starts the command and waits for its first output. */
  async function started(...flags: string[]) {
    const child = spawn(process.execPath, [cli, 'lab', ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    child.stderr.on('data', chunk => {
      said += chunk;
    });
    const exited = once(child, 'exit') as Promise<[number | null]>;
    const first = await Promise.race([
      once(child.stdout, 'data').then(([chunk]) => String(chunk)),
      exited.then(() => ''),
    ]);
    return { child, first, exited, said: () => said };
  }

  it('says where it is, serves the page and the model, and ends when it is told to', async () => {
    const { child, first, exited, said } = await started('--port', '0', '--json');
    const { url } = JSON.parse(first) as { url: string };
    expect(url).to.match(/^http:\/\/127\.0\.0\.1:\d+\/$/);
    const page = await fetch(url);
    expect(page.headers.get('content-type')).to.match(/^text\/html/);
    const html = await page.text();
    for (const [, path] of html.matchAll(/(?:src|href)="(\/[^"]+)"/g)) {
      expect((await fetch(new URL(path!, url))).status, path).to.equal(200);
    }
    const { model } = (await (await fetch(new URL('lab.json', url))).json()) as { model: { name: string } };
    expect(model.name).to.equal('embedded');
    const second = await started('--port', new URL(url).port);
    expect(await second.exited).to.deep.equal([2, null]);
    expect(second.said()).to.match(/^clipscope: lab: port \d+: something else listens there; .*\n$/);
    child.kill('SIGINT');
    expect(await exited).to.deep.equal([0, null]);
    expect(said()).to.equal('');
  });

  it('refuses ports that are none, and models that are not there', async () => {
    for (const [flags, message] of [
      [['--port', '70000'], /Expected a whole number from 0 to 65535/],
      [['--port', '-1'], /Expected a whole number|unknown option/],
      [['--model', 'no/such'], /model 'no\/such': no such file or folder/],
    ] as const) {
      const { exited, said } = await started(...flags);
      expect((await exited)[0]).to.equal(2);
      expect(said()).to.match(message);
      expect(said().trim()).to.not.include('\n');
    }
  });
});
