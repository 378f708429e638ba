/** From what a plan says of a method to what can be run, with every constant filled in. */
import { attentionByName, attentions } from '../../attention/index.js';
import { InputError } from '../../errors.js';
import { quoted } from '../../files/quote.js';
import type { ImageConfig } from '../../model/config.js';
import type { Variant } from '../../model/imageTower.js';
import type { ClassFlavour } from '../../segment/classLists.js';
import { type ModelSizes, protocolForModel } from '../../segment/input.js';
import { type Method, methodByName } from '../../segment/methods.js';
import { type MethodName, type Protocol, protocolFor } from '../../segment/protocols.js';
import type { Vocabulary } from '../../segment/vocabulary.js';
import type { Dataset } from '../datasets/dataset.js';
import type { MethodSpec } from '../plan.js';
import { geometryOf } from './geometry.js';
import { loadUserMethod } from './userModule.js';

/** All that a method's figures depend on beside the model and the data, as plain data. */
export interface MethodRecord {
  /** The published method it starts from, or the file of a user's own. */
  readonly method: string;
  /** What is done to the last blocks; the attention by its name. */
  readonly variant: Readonly<Record<string, unknown>>;
  /** Every constant, in pixels of the model; its `name` and `source` tell whose sizes and prompts they are. */
  readonly protocol: Omit<Protocol, 'datasets'>;
  /** Whose words the classes are asked for with: a published wording, or names of the data set's or of the user's own. */
  readonly wording: ClassFlavour | 'folder' | 'user';
  /** The sentences that names stand in: a set by its name, or the model's own. */
  readonly templates: string | readonly string[];
}

/** A method made ready for a data set and a model. */
export interface ResolvedMethod extends Method {
  readonly vocabulary: Vocabulary;
  readonly record: MethodRecord;
}

/** What of a model decides how methods run with it. */
export interface MethodTarget {
  readonly config: { readonly image?: ImageConfig };
  readonly settings: {
    readonly templates?: readonly string[] | undefined;
    readonly protocol?: ModelSizes | undefined;
  };
}

/** Whose class names each method was published with; those that are not here, with SCLIP's. */
const wordings: Readonly<Record<string, ClassFlavour>> = {
  clip: 'clearclip',
  clearclip: 'clearclip',
  gem: 'clearclip',
  clipsurgery: 'clearclip',
  maskclip: 'maskclip',
};

/**
 * Fills in what a method does and with which constants: the published ones for the data set, in pixels of the model.
 * @throws InputError for unknown names, more blocks than there are, a module that gives no method, a threshold on a data
 *   set without a background, or a model without an image tower
 */
export async function resolveMethod(spec: MethodSpec, dataset: Dataset, model: MethodTarget): Promise<ResolvedMethod> {
  const { image } = model.config;
  if (!image) throw new InputError('evaluate: expected a model with an image tower; this one has none');
  const { from, variant, protocol: published } = await plannedMethod(spec, image, dataset.setting);
  const protocol = protocolForModel(published, image, model.settings.protocol);
  const { datasets: _, ...constants } = protocol;
  const [wording, vocabulary] = worded(wordings[protocol.name] ?? 'sclip', dataset);
  const templates = model.settings.templates ?? protocol.templates;
  const { probThreshold } = protocol;
  if (probThreshold > 0 && !dataset.background && !dataset.classes.some(name => name.toLowerCase() === 'background')) {
    throw new InputError(
      `${spec.label}: a threshold of ${probThreshold} gives pixels to the background, which ${dataset.spec} has not; set it to 0`,
    );
  }
  return {
    name: spec.label,
    variant,
    protocol,
    vocabulary,
    record: {
      method: from,
      variant: described(variant, spec),
      protocol: constants,
      wording: dataset.namesFrom === 'published' ? wording : dataset.namesFrom,
      templates,
    },
  };
}

/** A plan's entry as a method, and the published method or the file that it starts from. */
export interface PlannedMethod extends Method {
  readonly from: string;
}

/**
 * What a plan's entry does to the last blocks of a tower, with its constants for a data set, in published pixels.
 * @throws InputError for unknown names, more blocks than there are, or a module that gives no method
 */
export async function plannedMethod(
  spec: MethodSpec,
  { layers }: Pick<ImageConfig, 'layers'>,
  setting?: Dataset['setting'],
): Promise<PlannedMethod> {
  const { label, attention, residual, ffn, blocks } = spec;
  if (blocks !== undefined && blocks > layers) {
    throw new InputError(`${label}: expected at most the ${layers} blocks of the model, got ${blocks}`);
  }
  const { from, variant, protocol } = await baseOf(spec, setting);
  const changed: Variant = {
    ...variant,
    ...(attention !== undefined && { attention: attentionByName(attention) }),
    ...(residual !== undefined && { residual }),
    ...(ffn !== undefined && { ffn }),
    ...(blocks !== undefined && { blocks }),
  };
  return { name: label, from, variant: changed, protocol: { ...protocol, ...spec.protocol } };
}

/** The method that a plan's entry starts from, with its constants for the data set. */
async function baseOf(spec: MethodSpec, setting: Dataset['setting']): Promise<Omit<PlannedMethod, 'name'>> {
  const { variant } = methodByName(spec.method);
  const protocol = protocolFor(spec.method, setting);
  if (!spec.module) return { variant, protocol, from: spec.method };
  const given = await loadUserMethod(spec.module);
  const from = `${spec.module.path} (SHA-256 ${spec.module.sha256})`;
  if (typeof given === 'function') return { variant: { ...variant, attention: given }, protocol, from };
  const own = setting && given.protocol.datasets[setting];
  return { variant: given.variant, protocol: { ...given.protocol, ...own }, from };
}

/** The classes in a wording, or in ClearCLIP's, which has a list for every data set. */
function worded(wording: ClassFlavour, dataset: Dataset): [ClassFlavour, Vocabulary] {
  const vocabularyIn = (flavour: ClassFlavour): Vocabulary => {
    const vocabulary = dataset.vocabulary(flavour);
    const [names, classes] = [vocabulary.classes.length, dataset.classes.length];
    if (names === classes) return vocabulary;
    throw new InputError(`${dataset.spec}: it has ${classes} classes, but ${names} names in the wording '${flavour}'`);
  };
  try {
    return [wording, vocabularyIn(wording)];
  } catch (error) {
    if (!(error instanceof InputError) || wording === 'clearclip') throw error;
    return ['clearclip', vocabularyIn('clearclip')];
  }
}

function described({ attention, guide, ...rest }: Variant, spec: MethodSpec): MethodRecord['variant'] {
  const known = Object.keys(attentions).find(name => attentions[name] === attention);
  const plain = guide === undefined ? 'qk' : "the method's own";
  return { attention: known ?? (attention ? `of ${spec.module ? 'the module' : 'the method'}` : plain), ...rest };
}

/**
 * Methods that all run with one method's sizes, windows, positions, wording and prompts, so that they share its prefix;
 * scale and thresholds stay each method's own.
 */
export function onOneProtocol(
  specs: readonly MethodSpec[],
  name: MethodName,
  setting: Dataset['setting'],
): MethodSpec[] {
  const protocol = protocolFor(name, setting);
  const { source, templates } = protocol;
  const geometry = { name, source, templates, ...geometryOf(protocol) };
  return specs.map(spec => ({ ...spec, protocol: { ...spec.protocol, ...geometry } }));
}

/** @throws InputError when two methods of a plan have one label */
export function checkLabels(specs: readonly MethodSpec[]): void {
  if (specs.length === 0) throw new InputError('evaluate: expected at least one method, got none');
  const labels = specs.map(({ label }) => label);
  const twice = labels.find((label, i) => labels.indexOf(label) !== i);
  if (twice !== undefined) throw new InputError(`evaluate: the method ${quoted(twice)} is there twice`);
}
