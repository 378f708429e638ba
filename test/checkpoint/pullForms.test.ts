import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { convertTorch } from '../../src/checkpoint/convertTorch.js';
import { resolvePulled } from '../../src/checkpoint/pulled.js';
import { orderedChoices, shardsOf } from '../../src/checkpoint/weightFiles.js';
import { InputError } from '../../src/errors.js';
import { openBytes } from '../../src/files/bytes.js';
import { openSafetensors } from '../../src/files/safetensors/read.js';
import { openTorch } from '../../src/files/torch/open.js';
import { rejection } from '../files/rejection.js';
import { inTemporaryFolder } from '../files/temporary.js';
import { findGolden } from '../goldens.js';
import { commit, config, type FakeModel } from './fakeHub.js';
import { withHub } from './withHub.js';

const goldens = 'clip-tiny/weights/';
const torchFile = findGolden(`${goldens}openai-state-dict-legacy.pt`)!;
const onDisk = (dir: string) =>
  readdirSync(dir)
    .filter(name => name !== 'clipscope-pull.json')
    .sort();
const index = (shards: unknown) =>
  JSON.stringify({
    metadata: {},
    weight_map: Object.fromEntries((shards as string[]).map((name, i) => [`t${i}`, name])),
  });

/** Whether a safetensors file holds just what PyTorch files do, byte for byte. */
function expectSameTensors(safetensors: string, ...torch: string[]): void {
  const made = openSafetensors(openBytes(safetensors));
  const sources = torch.map(path => openTorch(openBytes(path)));
  const wanted = sources.flatMap(source => [...source.tensors.keys()].map(name => source.read(name)));
  const names = sources.flatMap(source => [...source.tensors.keys()]);
  expect([...made.tensors.keys()].sort()).to.deep.equal([...names].sort());
  for (const [i, name] of names.entries()) {
    const { dtype, shape, bytes } = made.read(name);
    expect({ dtype, shape }, name).to.deep.equal({ dtype: wanted[i]?.dtype, shape: wanted[i]?.shape });
    expect(Buffer.from(bytes).equals(wanted[i]!.bytes), name).to.equal(true);
  }
  expect(made.metadata.get('format')).to.equal('pt');
  for (const file of [made, ...sources]) file.close();
}

describe('pull of weights in other forms', () => {
  it('gets the shards that an index names, and no others', () => {
    const files = {
      'config.json': config,
      'model.safetensors.index.json': index(['model-2.safetensors', 'model-1.safetensors', 'model-2.safetensors']),
      'model-1.safetensors': 'one',
      'model-2.safetensors': 'two',
      'model-3.safetensors': 'three',
      'pytorch_model.bin': 'pickle',
    };
    return withHub(
      { m: { files, lfs: ['model-1.safetensors', 'model-2.safetensors'] } },
      {},
      async (get, { cache }) => {
        const { dir } = await get('m');
        expect(dir).to.equal(join(cache, 'models', 'm', commit));
        expect(onDisk(dir)).to.deep.equal([
          'config.json',
          'model-1.safetensors',
          'model-2.safetensors',
          'model.safetensors.index.json',
        ]);
        expect((await get('m')).files.every(({ fromCache }) => fromCache)).to.equal(true);
      },
    );
  });

  it('refuses an index that names files elsewhere, of another kind, too many or none', async () => {
    const bad = [
      '../evil.safetensors',
      '/etc/x.safetensors',
      'a/b.safetensors',
      'x.bin',
      '.safetensors',
      'a\nb.safetensors',
    ];
    const indexes = [
      ...bad.map(name => index([name])),
      index([]),
      '{}',
      '[',
      '{"weight_map": 1}',
      '{"weight_map": {"a": 1}}',
    ];
    for (const text of indexes) {
      const files = { 'config.json': config, 'model.safetensors.index.json': text };
      await withHub({ m: { files } }, {}, async (get, { hub }) => {
        const message = await rejection(get('m'));
        expect(message).to.include('model.safetensors.index.json: expected');
        expect(hub.seen).to.have.length(3);
      });
    }
    const choice = { file: 'model.safetensors.index.json', sharded: true } as const;
    const many = index(Array.from({ length: 1001 }, (_, i) => `${i}.safetensors`));
    expect(() => shardsOf(many, 'index', choice)).to.throw(InputError, '1 to 1000 files, got 1001');
  });

  it('says which shard is missing', () => {
    const files = { 'config.json': config, 'model.safetensors.index.json': index(['a.safetensors']) };
    return withHub({ m: { files } }, {}, async get => {
      expect(await rejection(get('m'))).to.include("lacks 'a.safetensors', which model.safetensors.index.json names");
    });
  });

  it('turns pytorch_model.bin into safetensors at once, and does so once', () => {
    const files = { 'config.json': config, 'pytorch_model.bin': readFileSync(torchFile) };
    return withHub({ m: { files, lfs: ['pytorch_model.bin'] } }, {}, async (get, { hub }) => {
      const stages: string[] = [];
      const onProgress = ({ stage, file }: { stage: string; file: string }) => stages.push(`${stage} ${file}`);
      const { dir, files: pulled } = await get('m', { onProgress });
      expect(onDisk(dir)).to.deep.equal(['config.json', 'model.safetensors']);
      const made = join(dir, 'model.safetensors');
      expectSameTensors(made, torchFile);
      expect([...new Set(stages)]).to.deep.equal([
        'download config.json',
        'download pytorch_model.bin',
        'convert model.safetensors',
      ]);
      const bytes = readFileSync(made);
      expect(pulled[1]).to.deep.equal({
        name: 'model.safetensors',
        bytes: bytes.length,
        sha256: createHash('sha256').update(bytes).digest('hex'),
        convertedFrom: ['pytorch_model.bin'],
        fromCache: false,
      });
      expect(resolvePulled('m')).to.equal(dir);
      const requests = hub.seen.length;
      expect((await get('m')).files.every(({ fromCache }) => fromCache)).to.equal(true);
      expect(hub.seen.length - requests).to.equal(1);
      // One more file is wanted: what was converted stays.
      const more = await get('m', { include: ['pytorch_model.bin'] });
      expect(more.files.find(({ name }) => name === 'model.safetensors')?.fromCache).to.equal(true);
    });
  });

  it('joins the parts of a sharded PyTorch checkpoint by the function it is given', () => {
    const files = {
      'config.json': config,
      'pytorch_model.bin.index.json': index(['b.bin', 'a.bin']),
      'a.bin': 'one',
      'b.bin': 'two',
    };
    return withHub({ m: { files } }, {}, async get => {
      const joined = (paths: readonly string[], out: string) =>
        writeFileSync(out, paths.map(path => readFileSync(path, 'utf8')).join('+'));
      const { dir, files: pulled } = await get('m', { convertTorch: joined });
      expect(onDisk(dir)).to.deep.equal(['config.json', 'model.safetensors']);
      expect(readFileSync(join(dir, 'model.safetensors'), 'utf8')).to.equal('one+two');
      expect(pulled[1]?.convertedFrom).to.deep.equal(['pytorch_model.bin.index.json', 'a.bin', 'b.bin']);
    });
  });

  it('keeps a checkpoint that cannot be converted for the next try, and calls nothing complete', () => {
    const files = { 'config.json': config, 'pytorch_model.bin': 'no pickle' };
    return withHub({ m: { files, lfs: ['pytorch_model.bin'] } }, {}, async (get, { hub }) => {
      expect(await rejection(get('m'))).to.include('pytorch_model.bin: expected a PyTorch checkpoint');
      expect(resolvePulled('m')).to.equal(undefined);
      const requests = hub.seen.length;
      const { dir } = await get('m', { convertTorch: (_, out) => writeFileSync(out, 'made') });
      expect(hub.seen.length - requests).to.equal(1);
      expect(onDisk(dir)).to.deep.equal(['config.json', 'model.safetensors']);
    });
  });

  it('takes OpenCLIP’s weights where model.safetensors is timm’s', async () => {
    const timm: FakeModel['files'] = {
      'config.json': '{"architecture": "vit_base_patch16_clip_224"}',
      'open_clip_config.json': '{}',
      'model.safetensors': 'image tower',
      'open_clip_model.safetensors': 'both towers',
    };
    await withHub({ m: { files: timm } }, {}, async get => {
      expect(onDisk((await get('m')).dir)).to.deep.equal([
        'config.json',
        'open_clip_config.json',
        'open_clip_model.safetensors',
      ]);
    });
    await withHub({ m: { files: { ...timm, 'config.json': config } } }, {}, async get => {
      expect(onDisk((await get('m')).dir)).to.include('model.safetensors');
    });
    const old = { 'open_clip_config.json': '{}', 'open_clip_pytorch_model.bin': readFileSync(torchFile) };
    await withHub({ m: { files: old } }, {}, async get => {
      expect(onDisk((await get('m')).dir)).to.deep.equal(['open_clip_config.json', 'open_clip_model.safetensors']);
    });
    expect(orderedChoices('not JSON', undefined)[0]?.file).to.equal('model.safetensors');
    expect(orderedChoices('not JSON', '{}')[0]?.file).to.equal('open_clip_model.safetensors');
  });
});

describe('pull from a server without the API', () => {
  const files = { 'config.json': config, 'vocab.json': '{}', 'model.safetensors': 'weights', 'README.md': 'text' };
  const wanted = ['config.json', 'model.safetensors', 'vocab.json'];

  it('tries the known names, and pins the commit that a header names', () =>
    withHub({ 'org/name': { files, lfs: ['model.safetensors'] } }, { api: false }, async (get, { cache, hub }) => {
      const { dir, revision } = await get('org/name');
      expect(revision).to.equal(commit);
      expect(dir).to.equal(join(cache, 'models', 'org--name', commit));
      expect(onDisk(dir)).to.deep.equal(wanted);
      const fetched = hub.seen.filter(({ path }) => path.includes(`/resolve/${commit}/`));
      expect(fetched.length).to.equal(hub.seen.length - 2);
      const requests = hub.seen.length;
      expect((await get('org/name', { revision: commit })).files.every(({ fromCache }) => fromCache)).to.equal(true);
      expect(hub.seen.length).to.equal(requests);
      await get('org/name');
      expect(hub.seen.slice(requests).map(({ path }) => path)).to.deep.equal([
        '/api/models/org/name/revision/main?blobs=true',
        '/org/name/resolve/main/config.json',
      ]);
      expect(await rejection(get('org/other'))).to.include("has no model 'org/other' at revision 'main'");
      expect(await rejection(get('org/name', { include: ['LICENSE'] }))).to.include("has no file 'LICENSE'");
      expect(resolvePulled('org/name')).to.equal(dir);
    }));

  it('checks the hash that a header names', () =>
    withHub(
      { 'org/name': { files, lfs: ['model.safetensors'] } },
      {
        api: false,
        before: (request, response) => {
          const hit = request.url?.endsWith('/model.safetensors') ?? false;
          if (hit) response.writeHead(200, { 'x-linked-etag': `"${'0'.repeat(64)}"` }).end('weights');
          return hit;
        },
      },
      async get => {
        expect(await rejection(get('org/name'))).to.include(`expected SHA-256 ${'0'.repeat(64)}`);
      },
    ));

  it('asks whether files changed where no commit is named', () => {
    const changing: FakeModel['files'] = { ...files };
    const options = { api: false, namesCommit: false };
    return withHub({ 'org/name': { files: changing } }, options, async (get, { cache, hub }) => {
      const { dir, revision } = await get('org/name');
      expect([dir, revision]).to.deep.equal([join(cache, 'models', 'org--name', 'at-main'), 'main']);
      expect(onDisk(dir)).to.deep.equal(wanted);
      expect(resolvePulled('org/name')).to.equal(dir);
      const requests = hub.seen.length;
      expect((await get('org/name')).files.every(({ fromCache }) => fromCache)).to.equal(true);
      const asked = hub.seen.slice(requests).filter(({ headers }) => headers['if-none-match'] !== undefined);
      expect(asked).to.have.length(3);
      changing['model.safetensors'] = 'newer weights';
      const changed = (await get('org/name')).files.filter(({ fromCache }) => !fromCache);
      expect(changed.map(({ name }) => name)).to.deep.equal(['model.safetensors']);
      expect(readFileSync(join(dir, 'model.safetensors'), 'utf8')).to.equal('newer weights');
    });
  });
});

describe('convertTorch', () => {
  it('keeps names, dtypes and values of every PyTorch form', () =>
    inTemporaryFolder(dir => {
      for (const name of ['openai-state-dict-legacy.pt', 'openai-torchscript.pt']) {
        const source = findGolden(goldens + name)!;
        const out = join(dir, `${name}.safetensors`);
        convertTorch([source], out);
        expectSameTensors(out, source);
      }
    }));

  it('writes nothing when two parts hold the same tensor or one cannot be read', () =>
    inTemporaryFolder(dir => {
      const out = join(dir, 'out.safetensors');
      expect(() => convertTorch([torchFile, torchFile], out)).to.throw(InputError, 'is in another part too');
      expect(() => convertTorch([torchFile, join(dir, 'missing.bin')], out)).to.throw(InputError, 'no such file');
      expect(readdirSync(dir)).to.deep.equal([]);
    }));
});
