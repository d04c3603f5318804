package io.github.cudnn4j.model;

import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.data.SavableRandom;
import io.github.cudnn4j.tape.Indices;
import io.github.cudnn4j.tape.Tape;
import io.github.cudnn4j.tape.Tensor;

/**
 * Writes text with a character language model, one character at a time: each is drawn from the
 * model's distribution and fed back.
 *
 * <p>Owns a tape for one step of one row, which carries the state; borrows the model, and belongs
 * to its thread.
 */
public final class TextGenerator implements AutoCloseable {

  private final Vocabulary vocabulary;
  private final Tape tape;
  private final Indices token;
  private final Tensor logits;
  private final int[] tokenValue = new int[1];
  private final float[] logitValues;

  private TextGenerator(LanguageModel model, Tape tape) {
    this.vocabulary = model.vocabulary();
    this.tape = tape;
    this.token = tape.indices(1, 1);
    this.logits = model.logits(tape, token);
    this.logitValues = new float[vocabulary.size()];
  }

  /** Returns a generator that draws from {@code model} as it is at each call. */
  public static TextGenerator of(LanguageModel model) {
    Parts parts = new Parts();
    try {
      Tape tape = parts.add(Tape.inference(model.device(), model.precision()));
      return new TextGenerator(model, tape);
    } catch (RuntimeException | Error e) {
      throw parts.abandon(e);
    }
  }

  /**
   * Returns {@code prefix} followed by {@code length} characters. The unknown character is never
   * drawn.
   *
   * @param prefix what the model reads first, at least one character
   * @param temperature divides the logits: 1 draws from the model's own distribution, less sharpens
   *     it, 0 always takes the likeliest character
   * @throws IllegalArgumentException if the prefix is empty, {@code length} is negative, or the
   *     temperature is negative or not finite
   * @throws ArithmeticException if the model's output is not finite
   */
  public String generate(String prefix, int length, double temperature, long seed) {
    return generate(prefix, length, Sampling.temperature(temperature), seed);
  }

  /**
   * Returns {@code prefix} followed by {@code length} characters, drawn as {@code sampling} says.
   * The unknown character is never drawn.
   *
   * @param prefix what the model reads first, at least one character
   * @throws IllegalArgumentException if the prefix is empty or {@code length} is negative
   * @throws ArithmeticException if the model's output is not finite
   */
  public String generate(String prefix, int length, Sampling sampling, long seed) {
    if (prefix.isEmpty()) {
      throw new IllegalArgumentException("the prefix is empty, at least one character is needed");
    }
    if (length < 0) {
      throw new IllegalArgumentException("length is " + length + ", must be 0 or more");
    }
    SavableRandom random = new SavableRandom(seed);
    StringBuilder text = new StringBuilder(prefix);
    tape.resetStates();
    for (int id : vocabulary.encode(prefix)) {
      step(id);
    }
    for (int i = 0; i < length; i++) {
      readLogits();
      int id = sampling.draw(logitValues, random);
      text.append(vocabulary.character(id));
      if (i < length - 1) {
        step(id);
      }
    }
    return text.toString();
  }

  /** Reads the logits and makes the unknown character, number 0, impossible. */
  private void readLogits() {
    if (logits.type() == ElementType.FLOAT64) {
      double[] values = logits.value().toDoubles();
      for (int i = 0; i < values.length; i++) {
        logitValues[i] = (float) values[i];
      }
    } else {
      logits.value().copyTo(logitValues);
    }
    logitValues[0] = Float.NEGATIVE_INFINITY;
  }

  private void step(int id) {
    tokenValue[0] = id;
    token.buffer().copyFrom(tokenValue);
    tape.forward();
    tape.carry();
  }

  /** Frees the tape. Safe to call twice. */
  @Override
  public void close() {
    tape.close();
  }
}
