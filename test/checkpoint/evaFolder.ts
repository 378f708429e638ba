/** An EVA02-CLIP of both towers: the goldens' image tower beside the tiny CLIP's text tower. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { openWeights } from '../../src/checkpoint/modelFiles.js';
import { writeSafetensors } from '../../src/files/safetensors/write.js';
import { findGolden } from '../goldens.js';
import { evaWeightsPath } from '../model/eva.js';

export const tinyText = (): string => dirname(findGolden('clip-tiny/weights/open_clip-v512/open_clip_config.json')!);

/** What EVA-CLIP's own configuration files hold. */
export const evaJson = {
  embed_dim: 64,
  vision_cfg: {
    image_size: 64,
    layers: 3,
    width: 96,
    drop_path_rate: 0,
    head_width: 32,
    mlp_ratio: 2.6667,
    patch_size: 16,
    eva_model_name: 'eva-clip-b-16-X',
    xattn: true,
    fusedLN: true,
    rope: true,
    pt_hw_seq_len: 16,
    intp_freq: true,
    naiveswiglu: true,
    subln: true,
  },
  text_cfg: { context_length: 77, vocab_size: 512, width: 64, heads: 1, layers: 2, xattn: true, fusedLN: true },
};

export interface Stored {
  readonly dtype: 'F16' | 'F32';
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** Every tensor of the model by the published names, the rotary tables among them. */
export function evaTensors(): Map<string, Stored> {
  const tensors = new Map<string, Stored>();
  const read = (path: string, rename: (name: string) => string | undefined) => {
    const file = openWeights(path);
    for (const { name, dtype, shape } of file.tensors.values()) {
      const other = rename(name);
      if (other) tensors.set(other, { dtype: dtype as 'F16', shape, bytes: file.read(name).bytes.slice() });
    }
    file.close();
  };
  read(evaWeightsPath(), name => name);
  const others = /^visual\.|^logit_scale$/;
  read(join(tinyText(), 'open_clip_model.safetensors'), name => (others.test(name) ? undefined : `text.${name}`));
  return tensors;
}

/** Writes the model as a folder. */
export function writeEva(
  folder: string,
  { json = evaJson, tensors = evaTensors() }: { json?: object; tensors?: ReadonlyMap<string, Stored> } = {},
): string {
  mkdirSync(folder, { recursive: true });
  writeSafetensors(join(folder, 'model.safetensors'), tensors);
  writeFileSync(join(folder, 'config.json'), JSON.stringify(json));
  return folder;
}
