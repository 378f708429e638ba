import { InputError, suggestion } from '../errors.js';
import { quoted } from '../files/quote.js';

/** A file on the web and the SHA-256 of its bytes. */
export interface HashedUrl {
  readonly url: string;
  readonly sha256: string;
}

// The address holds the hash: https://github.com/openai/CLIP/blob/main/clip/clip.py
const at = (sha256: string, file: string): HashedUrl => ({
  url: `https://openaipublic.azureedge.net/clip/models/${sha256}/${file}`,
  sha256,
});

/** OpenAI's four vision transformers (TorchScript archives, float16), by the names its own code gives them. */
export const openaiCheckpoints: Readonly<Record<string, HashedUrl>> = {
  'ViT-B/32': at('40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af', 'ViT-B-32.pt'),
  'ViT-B/16': at('5806e77cd80f8b59890b7e101eabd078d9fb84e6937f9e85e4ecb61988df416f', 'ViT-B-16.pt'),
  'ViT-L/14': at('b8cca3fd41ae0c99ba7e8951adf17d267cdb84cd88be6f7c2e0eca1737a03836', 'ViT-L-14.pt'),
  'ViT-L/14@336px': at('3035c92b350959924f9f00213499208652fc7ea050643e8b385c2dac08641f02', 'ViT-L-14-336px.pt'),
};

/**
 * The file an id such as `openai:ViT-B/16` means; undefined for ids of another kind.
 * @throws InputError on an unknown name, with the nearest.
 */
export function openaiCheckpoint(id: string): HashedUrl | undefined {
  if (!id.startsWith('openai:')) return undefined;
  const name = id.slice('openai:'.length);
  if (Object.hasOwn(openaiCheckpoints, name)) return openaiCheckpoints[name];
  const known = Object.keys(openaiCheckpoints);
  throw new InputError(`pull: OpenAI published no model ${quoted(name)}${suggestion(name, known)}`);
}
