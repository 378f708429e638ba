/** A model's sizes as the `config.json` that says the same when it is read. */
import type { Dtype } from '../../files/dtype.js';
import {
  type ClipConfig,
  type EvaTraits,
  evaDefaults,
  type ImageConfig,
  type TextConfig,
  type TowerConfig,
} from '../../model/config.js';

/**
 * Hugging Face's `config.json`; of EVA02-CLIP, which that cannot describe, EVA-CLIP's own.
 * @param dtype of the weights, where it is one for all
 */
export function configJson(config: ClipConfig, dtype?: Dtype): object {
  const { image } = config;
  return image?.eva ? evaJson(config, image, image.eva) : huggingFaceJson(config, dtype);
}

function towerJson(tower: ImageConfig | TextConfig, embedding: number) {
  return {
    hidden_size: tower.width,
    intermediate_size: tower.mlpWidth,
    num_hidden_layers: tower.layers,
    num_attention_heads: tower.heads,
    hidden_act: tower.activation,
    layer_norm_eps: tower.layerNormEpsilon,
    attention_dropout: 0,
    projection_dim: embedding,
  };
}

function huggingFaceJson({ image, text, embedding }: ClipConfig, dtype: Dtype | undefined): object {
  const vision = image && {
    ...towerJson(image, embedding),
    model_type: 'clip_vision_model',
    image_size: image.imageSize,
    patch_size: image.patch,
    num_channels: 3,
  };
  const words = text && {
    ...towerJson(text, embedding),
    model_type: 'clip_text_model',
    max_position_embeddings: text.context,
    vocab_size: text.vocabulary,
    // In every CLIP vocabulary the end token has the largest id and the start token the one before it; 2 is how
    // configs of OpenAI's own models call it, and what makes transformers take the largest id.
    bos_token_id: text.vocabulary - 2,
    eos_token_id: text.pooling === 'largest-id' ? 2 : text.pooling.firstOf,
    pad_token_id: text.vocabulary - 1,
  };
  const names = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' } as Partial<Record<Dtype, string>>;
  const shared = { projection_dim: embedding, ...(dtype && { torch_dtype: names[dtype] }) };
  if (!words) return { architectures: ['CLIPVisionModelWithProjection'], ...vision, ...shared };
  if (!vision) return { architectures: ['CLIPTextModelWithProjection'], ...words, ...shared };
  return { architectures: ['CLIPModel'], model_type: 'clip', ...shared, text_config: words, vision_config: vision };
}

/** What EVA-CLIP's own code knows no key for is left out where it is as in every published model. */
function evaJson({ text, embedding }: ClipConfig, image: ImageConfig, eva: EvaTraits): object {
  return {
    embed_dim: embedding,
    ...(text?.activation === 'quick_gelu' && { quick_gelu: true }),
    vision_cfg: {
      image_size: image.imageSize,
      layers: image.layers,
      width: image.width,
      head_width: image.width / image.heads,
      mlp_ratio: mlpRatio(image),
      patch_size: image.patch,
      eva_model_name: 'eva02-clip',
      rope: true,
      pt_hw_seq_len: eva.rotaryGrid,
      intp_freq: true,
      naiveswiglu: true,
      subln: true,
      ...normJson(image, evaDefaults.layerNormEpsilon),
    },
    ...(text && {
      text_cfg: {
        context_length: text.context,
        vocab_size: text.vocabulary,
        width: text.width,
        heads: text.heads,
        layers: text.layers,
        ...(text.mlpWidth !== 4 * text.width && { mlp_ratio: mlpRatio(text) }),
        ...normJson(text, 1e-5),
      },
    }),
  };
}

/** Half a channel more, because whoever reads it rounds `width * ratio` down. */
const mlpRatio = ({ width, mlpWidth }: TowerConfig): number => (mlpWidth + 0.5) / width;

const normJson = ({ layerNormEpsilon: eps }: TowerConfig, usual: number) => eps !== usual && { norm_kwargs: { eps } };
