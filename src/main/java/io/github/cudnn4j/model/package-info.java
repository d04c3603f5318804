/**
 * The character language model, and decoding: from its characters to texts, and from the
 * probabilities of a CTC recogniser to labels.
 */
package io.github.cudnn4j.model;
