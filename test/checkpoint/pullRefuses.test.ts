import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { resolvePulled } from '../../src/checkpoint/pulled.js';
import { rejection } from '../files/rejection.js';
import { commit, config, type FakeHubOptions, model } from './fakeHub.js';
import { withEmptyCache, withHub } from './withHub.js';

describe('pull refuses', () => {
  it('ids and revisions that are none, before anything is asked', () =>
    withHub({}, {}, async (get, { hub }) => {
      for (const id of [
        '',
        '/',
        'a/b/c',
        '../a',
        'a/..',
        'a//b',
        'a b',
        'a--b/c',
        '-a/b',
        'a/b.',
        'ä/b',
        'a/b?c',
        'a\nb',
      ]) {
        expect(await rejection(get(id)), id).to.include('expected a model id');
      }
      for (const revision of ['', '..', 'a/../b', '/main', 'a b', 'a?b', '-x', 'a\u0000']) {
        expect(await rejection(get('org/name', { revision })), revision).to.include('expected a revision');
      }
      expect(await rejection(get('org/name', { endpoint: 'hub.example' }))).to.include('expected an http or https URL');
      expect(await rejection(get('org/name', { endpoint: 'http://hub.example/?a=1' }))).to.include('without a query');
      const token = 'hf_sec ret';
      expect(await rejection(get('org/name', { token })))
        .to.include('HF_TOKEN')
        .and.not.include(token);
      expect(hub.seen).to.have.length(0);
    }));

  it('a listing whose names lead out of the folder', async () => {
    for (const bad of ['../../evil.safetensors', '/etc/evil', 'a\\..\\evil', 'a/./b', 'a\u0000b', 'line\nbreak']) {
      await withHub({ 'org/name': { files: { ...model.files, [bad]: 'evil' } } }, {}, async (get, { cache }) => {
        const message = await rejection(get('org/name'));
        expect(message).to.include("expected the name of a file inside the model's folder");
        expect(existsSync(cache)).to.equal(false);
      });
    }
  });

  it('an unknown model, revision or kind of answer', () =>
    withHub({ 'org/name': model }, {}, async (get, { cache, hub }) => {
      expect(await rejection(get('org/nam'))).to.equal(
        `pull: ${hub.url} has no model 'org/nam'; check its id (a private model needs HF_TOKEN)`,
      );
      expect(await rejection(get('org/name', { revision: 'v2' }))).to.include("has no revision 'v2' of org/name");
      expect(existsSync(cache)).to.equal(false);
    }));

  it('answers that are not the API’s, and another commit than the one asked for', async () => {
    const answers = ['<html>', '[]', '{"siblings": [{"name": "x"}]}', '{"siblings": [{"rfilename": "x", "size": -1}]}'];
    for (const answer of answers) {
      const before: FakeHubOptions['before'] = (_, response) => {
        response.end(answer);
        return true;
      };
      await withHub({}, { before }, async get => {
        expect(await rejection(get('org/name'))).to.include("expected a hub's description of a model");
      });
    }
    const moved = { ...model, refs: { [commit]: 'b'.repeat(40) } };
    await withHub({ 'org/name': moved }, {}, async get => {
      expect(await rejection(get('org/name', { revision: commit }))).to.include(`gives commit ${'b'.repeat(40)}`);
    });
  });

  it('a model without weights', () =>
    withHub({ 'org/name': { files: { 'config.json': config, 'tf_model.h5': 'x' } } }, {}, async get => {
      const message = await rejection(get('org/name'));
      expect(message).to.include('has no weights that can be read; expected one of model.safetensors');
      expect(resolvePulled('org/name')).to.equal(undefined);
    }));
});

describe('resolvePulled', () => {
  it('finds nothing where nothing was pulled, whatever it is asked', () =>
    withEmptyCache(async dir => {
      for (const id of ['org/name', 'a/b/c', '../x', '', '/', 'weights/scenes', './x']) {
        expect(resolvePulled(id)).to.equal(undefined);
      }
      expect(resolvePulled('org/name', '../../x')).to.equal(undefined);
      const folder = join(dir, 'cache', 'models', 'org--name', commit);
      mkdirSync(folder, { recursive: true });
      for (const broken of ['', '{}', '{"id": "org/name"}', 'null']) {
        writeFileSync(join(folder, 'clipscope-pull.json'), broken);
        expect(resolvePulled('org/name', commit)).to.equal(undefined);
      }
    }));
});
