/**
 * Ready-made models, each on the public classes only: a {@link io.github.cudnn4j.model.Model} is an
 * objective with its parameters and what makes it again. There is one of the next symbol of a text,
 * {@link io.github.cudnn4j.model.LanguageModel}, of the label of a text, {@link
 * io.github.cudnn4j.model.SequenceClassifier}, of the tags of its words, {@link
 * io.github.cudnn4j.model.SequenceTagger}, of a text for a text, {@link
 * io.github.cudnn4j.model.Translator}, and of what vectors spell, {@link
 * io.github.cudnn4j.model.Recogniser}; and decoding: {@link io.github.cudnn4j.model.Sampling} and
 * {@link io.github.cudnn4j.model.BeamSearch} for networks that predict one symbol after the other,
 * {@link io.github.cudnn4j.model.CtcDecoder} for the probabilities of a CTC recogniser. A {@link
 * io.github.cudnn4j.model.StepRunner} runs any network step by step with its states on the device,
 * for a search, or for the clients of an {@link io.github.cudnn4j.model.InferenceSession}.
 */
package io.github.cudnn4j.model;
