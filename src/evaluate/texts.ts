/** Text features of a model's names, from the user's cache where they are in it. */
import { fingerprintText } from '../checkpoint/fingerprint.js';
import type { LoadedClip, ModelDescription } from '../checkpoint/loadClip.js';
import { cacheFolder } from '../files/cacheFolder.js';
import { readTextCache, textCachePath, writeTextCache } from '../segment/textCache.js';
import { type TextFeatureOptions, type TextFeatures, textFeatures } from '../segment/textFeatures.js';
import type { Quantization } from '../tensor/names.js';

/** Names and prompts with where their features are kept, and the features when they already are. */
export interface TextRequest {
  readonly names: readonly string[];
  readonly templates: readonly string[];
  readonly path: string;
  readonly kept: TextFeatures | undefined;
}

/** Looks features up before the model is loaded: if they are there, the text tower need not be. */
export async function requestTexts(
  model: ModelDescription,
  names: readonly string[],
  templates: readonly string[],
  { quantize }: { readonly quantize?: Quantization | undefined },
): Promise<TextRequest> {
  const fingerprint = await fingerprintText(model.files, model.config, cacheFolder());
  // What is computed another way is other features.
  const path = textCachePath(cacheFolder(), quantize ? `${fingerprint} ${quantize}` : fingerprint, names, templates);
  return { names, templates, path, kept: readTextCache(path, names.length, model.config.embedding) };
}

/** The towers it takes to run a picture against the texts. */
export const towersFor = ({ kept }: TextRequest) => (kept ? (['image'] as const) : (['image', 'text'] as const));

/** The features: kept ones, or computed now and kept for the next time. */
export async function fulfilTexts(
  clip: LoadedClip,
  request: TextRequest,
  options: TextFeatureOptions,
): Promise<TextFeatures> {
  if (request.kept) return request.kept;
  const features = await textFeatures(clip, request.names, request.templates, options);
  writeTextCache(cacheFolder(), request.path, features);
  return features;
}
