import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type PullOptions, pull } from '../../src/checkpoint/pull.js';
import { resolvePulled } from '../../src/checkpoint/pulled.js';
import type { PullProgress } from '../../src/checkpoint/pullUrl.js';
import { rejection } from '../files/rejection.js';
import { commit, type FakeHubOptions, model, startCdn, weights } from './fakeHub.js';
import { withHub } from './withHub.js';

const sha256 = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest('hex');
const names = ['config.json', 'merges.txt', 'model.safetensors', 'preprocessor_config.json'];
const onDisk = (dir: string) =>
  readdirSync(dir)
    .filter(name => name !== 'clipscope-pull.json')
    .sort();

describe('pull', () => {
  it('gets configs, tokenizer and the best weights into a folder named by the commit', () =>
    withHub({ 'org/name': model }, {}, async (get, { cache, hub }) => {
      const steps: PullProgress[] = [];
      const pulled = await get('org/name', { onProgress: step => steps.push(step) });
      const dir = join(cache, 'models', 'org--name', commit);
      expect(pulled).to.deep.include({ dir, revision: commit });
      expect(onDisk(dir)).to.deep.equal(names);
      expect(pulled.files.map(({ name }) => name).sort()).to.deep.equal(names);
      for (const file of pulled.files) {
        const bytes = readFileSync(join(dir, file.name));
        expect(file).to.deep.equal({
          name: file.name,
          bytes: bytes.length,
          sha256: sha256(bytes),
          fromCache: false,
        });
      }
      expect(readFileSync(join(dir, 'model.safetensors')).equals(weights)).to.equal(true);
      expect(steps.at(-1)).to.deep.equal({
        stage: 'download',
        file: 'model.safetensors',
        done: weights.length,
        total: weights.length,
      });
      expect(hub.seen[0]?.path).to.equal('/api/models/org/name/revision/main?blobs=true');
      expect(hub.seen.slice(1).every(({ path }) => path.startsWith(`/org/name/resolve/${commit}/`))).to.equal(true);
      expect(resolvePulled('org/name')).to.equal(dir);
    }));

  it('fetches nothing twice, and asks no server for a commit that is there', () =>
    withHub({ 'org/name': model }, {}, async (get, { cache, hub }) => {
      const first = await get('org/name');
      const requests = hub.seen.length;
      const second = await get('org/name');
      expect(hub.seen.length - requests).to.equal(1);
      expect(second.files.every(({ fromCache }) => fromCache)).to.equal(true);
      await hub.close();
      const third = await get('org/name', { revision: commit.toUpperCase() });
      expect(third).to.deep.equal(second);
      expect(third.files.map(({ name }) => name)).to.deep.equal(first.files.map(({ name }) => name));
      // A file that went missing is noticed.
      rmSync(join(cache, 'models', 'org--name', commit, 'merges.txt'));
      expect(await rejection(get('org/name', { revision: commit, retries: 2 }))).to.include('refused');
      expect(resolvePulled('org/name')).to.equal(undefined);
    }));

  it('fetches again only what is missing', () =>
    withHub({ 'org/name': model }, {}, async (get, { hub }) => {
      const { dir } = await get('org/name');
      rmSync(join(dir, 'merges.txt'));
      writeFileSync(join(dir, 'config.json'), 'cut');
      const requests = hub.seen.length;
      const { files } = await get('org/name', { revision: commit });
      expect(hub.seen.slice(requests).map(({ path }) => path.split('/').at(-1))).to.deep.equal([
        `${commit}?blobs=true`,
        'config.json',
        'merges.txt',
      ]);
      expect(
        files
          .filter(({ fromCache }) => fromCache)
          .map(({ name }) => name)
          .sort(),
      ).to.deep.equal(['model.safetensors', 'preprocessor_config.json']);
      expect(resolvePulled('org/name')).to.equal(dir);
    }));

  it('calls a model incomplete while a file that went missing cannot be had again', () => {
    let broken = false;
    const before: FakeHubOptions['before'] = (request, response) => {
      const hit = broken && request.url?.endsWith('/model.safetensors') === true;
      if (hit) response.writeHead(403).end();
      return hit;
    };
    return withHub({ 'org/name': model }, { before }, async get => {
      const { dir } = await get('org/name');
      broken = true;
      expect(await rejection(get('org/name', { include: ['LICENCE'] }))).to.include('has no file');
      expect(resolvePulled('org/name')).to.equal(dir);
      rmSync(join(dir, 'model.safetensors'));
      expect(await rejection(get('org/name'))).to.include('HTTP 403');
      expect(resolvePulled('org/name')).to.equal(undefined);
      broken = false;
      const { files } = await get('org/name');
      expect(files.filter(({ fromCache }) => !fromCache).map(({ name }) => name)).to.deep.equal(['model.safetensors']);
      expect(resolvePulled('org/name')).to.equal(dir);
    });
  });

  it('takes the commit a branch stands for at the time, and keeps the older one', () => {
    const newer = 'd'.repeat(40);
    const refs: Record<string, string> = { main: commit, 'refs/pr/1': newer };
    return withHub({ 'org/name': { ...model, refs } }, {}, async (get, { cache, hub }) => {
      const folder = (at: string) => join(cache, 'models', 'org--name', at);
      expect((await get('org/name', { revision: 'refs/pr/1' })).revision).to.equal(newer);
      expect(hub.seen[0]?.path).to.include('/revision/refs%2Fpr%2F1?');
      expect(resolvePulled('org/name')).to.equal(undefined);
      expect(resolvePulled('org/name', 'refs/pr/1')).to.equal(folder(newer));
      await get('org/name');
      expect(resolvePulled('org/name')).to.equal(folder(commit));
      refs.main = newer;
      await get('org/name');
      expect(resolvePulled('org/name')).to.equal(folder(newer));
      expect(resolvePulled('org/name', commit)).to.equal(folder(commit));
    });
  });

  it('goes on where a broken pull stopped', async () => {
    const cdn = await startCdn([weights], index => (index < 3 ? 50_000 : undefined));
    try {
      await withHub({ 'org/name': model }, { cdn: cdn.url }, async (get, { hub }) => {
        expect(await rejection(get('org/name', { retries: 1 }))).to.include(
          'the connection broke; gave up after 2 tries',
        );
        expect(resolvePulled('org/name')).to.equal(undefined);
        const before = hub.seen.length;
        const { files, dir } = await get('org/name');
        // The listing and the redirects: the configs are there.
        expect(hub.seen.slice(before).map(({ path }) => path.split('/').at(-1))).to.deep.equal([
          'main?blobs=true',
          'model.safetensors',
          'model.safetensors',
        ]);
        expect(cdn.seen.map(({ headers }) => headers.range)).to.deep.equal([
          undefined,
          'bytes=50000-',
          'bytes=100000-',
          'bytes=150000-',
        ]);
        expect(files.find(({ name }) => name === 'model.safetensors')?.fromCache).to.equal(false);
        expect(readFileSync(join(dir, 'model.safetensors')).equals(weights)).to.equal(true);
      });
    } finally {
      await cdn.close();
    }
  });

  it('takes its hub and token from HF_ENDPOINT and HF_TOKEN, and tells the token to nobody else', async () => {
    const cdn = await startCdn([weights]);
    try {
      await withHub({ 'org/name': model }, { cdn: cdn.url, token: 'hf_secret' }, async (get, { hub }) => {
        const refused = await rejection(get('org/name'));
        expect(refused)
          .to.match(/HTTP 401: .*set HF_TOKEN/)
          .and.not.include('hf_secret');
        process.env.HF_ENDPOINT = `${hub.url}/`;
        process.env.HF_TOKEN = ' hf_secret\n';
        const { dir } = await pull('org/name');
        expect(onDisk(dir)).to.deep.equal(names);
        expect(hub.seen.filter(({ headers }) => headers.authorization === 'Bearer hf_secret')).to.have.length(5);
        expect(cdn.seen.map(({ headers }) => headers.authorization)).to.deep.equal([undefined]);
        expect(readFileSync(join(dir, 'clipscope-pull.json'), 'utf8')).to.not.include('secret');
        process.env.HF_TOKEN = 'wrong';
        process.env.HF_ENDPOINT = 'http://127.0.0.1:1';
        await rejection(get('org/name', { retries: 0 }));
        expect((await get('org/name', { token: 'hf_secret' })).files).to.have.length(4);
      });
    } finally {
      await cdn.close();
    }
  });

  it('pulls into a folder of the user’s, and not over another model there', () =>
    withHub(
      { 'org/name': model, 'org/other': { ...model, refs: { main: 'a'.repeat(40) } } },
      {},
      async (get, place) => {
        const dir = join(place.dir, 'deep', 'models');
        expect((await get('org/name', { dir })).dir).to.equal(dir);
        expect(onDisk(dir)).to.deep.equal(names);
        expect(existsSync(place.cache)).to.equal(false);
        expect((await get('org/name', { dir })).files.every(({ fromCache }) => fromCache)).to.equal(true);
        expect(await rejection(get('org/other', { dir }))).to.equal(
          `pull: ${dir} holds org/name at ${commit}; give another folder or remove it`,
        );
        writeFileSync(join(place.dir, 'file'), '');
        expect(await rejection(get('org/name', { dir: join(place.dir, 'file') }))).to.include('cannot be made');
      },
    ));

  it('includes further files by name', () =>
    withHub({ 'org/name': model }, {}, async (get, { hub }) => {
      await get('org/name');
      const { dir, files } = await get('org/name', { revision: commit, include: ['README.md', 'onnx/model.onnx'] });
      expect(files.filter(({ fromCache }) => !fromCache).map(({ name }) => name)).to.deep.equal([
        'README.md',
        'onnx/model.onnx',
      ]);
      expect(readFileSync(join(dir, 'onnx', 'model.onnx'), 'utf8')).to.equal('graph');
      expect(await rejection(get('org/name', { include: ['READ.md'] }))).to.match(
        /has no file 'READ.md'; did you mean/,
      );
      for (const bad of ['../README.md', '/etc/passwd', 'a\\b', '']) {
        expect(await rejection(get('org/name', { include: [bad] }))).to.include("inside the model's folder");
      }
      const requests = hub.seen.length;
      await get('org/name', { revision: commit, include: ['README.md'] });
      expect(hub.seen.length).to.equal(requests);
    }));

  it('lets one of two pulls at once do the work', () =>
    withHub({ 'org/name': model }, {}, async (get, { hub }) => {
      const waits: PullProgress[] = [];
      const onProgress: PullOptions['onProgress'] = step => step.stage === 'wait' && waits.push(step);
      const both = await Promise.all([get('org/name', { onProgress }), get('org/name', { onProgress })]);
      expect(both[0].dir).to.equal(both[1].dir);
      expect(hub.seen.filter(({ path }) => path.endsWith('/model.safetensors'))).to.have.length(1);
      expect(waits[0]).to.deep.equal({ stage: 'wait', file: 'org/name', done: 0, total: undefined });
      expect(onDisk(both[0].dir)).to.deep.equal(names);
    }));

  it('leaves nothing of weights with another hash or size', async () => {
    const wrong = randomBytes(weights.length);
    for (const [bytes, message] of [
      [wrong, 'expected SHA-256'],
      [weights.subarray(1), 'expected 200000 bytes'],
    ] as const) {
      const before: FakeHubOptions['before'] = (request, response) => {
        const hit = request.url?.endsWith('/model.safetensors') ?? false;
        if (hit) response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
        return hit;
      };
      await withHub({ 'org/name': model }, { before }, async (get, { cache }) => {
        expect(await rejection(get('org/name'))).to.include(message);
        const dir = join(cache, 'models', 'org--name', commit);
        expect(onDisk(dir)).to.deep.equal(['config.json', 'merges.txt', 'preprocessor_config.json']);
        expect(resolvePulled('org/name')).to.equal(undefined);
      });
    }
  });

  it('tries again after errors of the server', () =>
    withHub(
      { 'org/name': model },
      {
        before: (_, response, index) => {
          if (index % 2 === 0) response.writeHead(index % 4 === 0 ? 500 : 429).end();
          return index % 2 === 0;
        },
      },
      async get => {
        expect(onDisk((await get('org/name')).dir)).to.deep.equal(names);
      },
    ));
});
