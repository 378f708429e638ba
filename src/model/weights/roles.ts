/** The weights of a CLIP by the roles they play: the one vocabulary that every dialect is translated to. */
import type { ClipConfig, EvaTraits, ImageConfig, TextConfig, TowerConfig } from '../config.js';

/**
 * A role's name, such as `image.blocks.3.attn.q.weight`, and the shape it must have in Hugging Face's orientation
 * (linear maps `[out, in]`, the patch convolution `[w, 3, p, p]`).
 */
export type RoleShapes = Map<string, readonly number[]>;

function blockRoles(
  tower: string,
  { layers, width, mlpWidth }: TowerConfig,
  eva: EvaTraits | undefined,
): [string, number[]][] {
  const roles: [string, number[]][] = [];
  for (let i = 0; i < layers; i++) {
    const b = `${tower}.blocks.${i}`;
    const linear = (name: string, out: number, input: number) =>
      roles.push([`${b}.${name}.weight`, [out, input]], [`${b}.${name}.bias`, [out]]);
    const norm = (name: string, channels: number) =>
      roles.push([`${b}.${name}.weight`, [channels]], [`${b}.${name}.bias`, [channels]]);
    norm('ln1', width);
    // Weights before biases, because OpenAI packs the three of a kind in one tensor, which is then read once.
    for (const part of ['q', 'k', 'v']) roles.push([`${b}.attn.${part}.weight`, [width, width]]);
    for (const part of eva ? ['q', 'v'] : ['q', 'k', 'v']) roles.push([`${b}.attn.${part}.bias`, [width]]);
    if (eva) norm('attnLn', width);
    linear('attn.out', width, width);
    norm('ln2', width);
    linear('mlp.fc1', mlpWidth, width);
    if (eva) {
      linear('mlp.up', mlpWidth, width);
      norm('mlpLn', mlpWidth);
    }
    linear('mlp.fc2', width, mlpWidth);
  }
  return roles;
}

const only = (condition: unknown, ...roles: [string, number[]][]) => (condition ? roles : []);

function imageRoles(c: ImageConfig, embedding: number): [string, number[]][] {
  const tokens = 1 + Math.floor(c.imageSize / c.patch) ** 2;
  return [
    ['image.classToken', [c.width]],
    ['image.patch.weight', [c.width, 3, c.patch, c.patch]],
    ...only(c.eva, ['image.patchBias', [c.width]]),
    ['image.positions', [tokens, c.width]],
    ...only(!c.eva, ['image.lnPre.weight', [c.width]], ['image.lnPre.bias', [c.width]]),
    ...blockRoles('image', c, c.eva),
    ['image.lnPost.weight', [c.width]],
    ['image.lnPost.bias', [c.width]],
    ['image.projection', [embedding, c.width]],
    ...only(c.eva, ['image.projectionBias', [embedding]]),
  ];
}

function textRoles(c: TextConfig, embedding: number): [string, number[]][] {
  return [
    ['text.table', [c.vocabulary, c.width]],
    ['text.positions', [c.context, c.width]],
    ...blockRoles('text', c, undefined),
    ['text.lnFinal.weight', [c.width]],
    ['text.lnFinal.bias', [c.width]],
    ['text.projection', [embedding, c.width]],
  ];
}

/** Every role of a model with these sizes; `logitScale` only where both towers are there. */
export function rolesOf({ image, text, embedding }: ClipConfig): RoleShapes {
  return new Map([
    ...(image ? imageRoles(image, embedding) : []),
    ...(text ? textRoles(text, embedding) : []),
    ...(image && text ? [['logitScale', []] as [string, number[]]] : []),
  ]);
}
