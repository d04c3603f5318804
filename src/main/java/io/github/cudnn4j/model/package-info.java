/**
 * The character language model, and decoding: {@link io.github.cudnn4j.model.Sampling} and {@link
 * io.github.cudnn4j.model.BeamSearch} for networks that predict one symbol after the other, {@link
 * io.github.cudnn4j.model.CtcDecoder} for the probabilities of a CTC recogniser.
 */
package io.github.cudnn4j.model;
