package io.github.cudnn4j.model;

import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.data.SavableRandom;
import io.github.cudnn4j.tape.Indices;
import io.github.cudnn4j.tape.Tape;
import io.github.cudnn4j.tape.Tensor;
import java.util.Arrays;

/**
 * Writes text with a language model, one symbol at a time: each is drawn from the model's
 * distribution and fed back.
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
   * Returns {@code prefix} followed by {@code length} symbols. The unknown one is never drawn.
   *
   * @param prefix what the model reads first, at least one symbol
   * @param temperature divides the logits: 1 draws from the model's own distribution, less sharpens
   *     it, 0 always takes the likeliest symbol
   * @throws IllegalArgumentException if the prefix has no symbol, {@code length} is negative, or
   *     the temperature is negative or not finite
   * @throws ArithmeticException if the model's output is not finite
   */
  public String generate(String prefix, int length, double temperature, long seed) {
    return generate(prefix, length, Sampling.temperature(temperature), seed);
  }

  /**
   * Returns {@code prefix} followed by {@code length} symbols, drawn as {@code sampling} says. The
   * unknown one is never drawn.
   *
   * @param prefix what the model reads first, at least one symbol
   * @throws IllegalArgumentException if the prefix has no symbol or {@code length} is negative
   * @throws ArithmeticException if the model's output is not finite
   */
  public String generate(String prefix, int length, Sampling sampling, long seed) {
    int[] read = vocabulary.encode(prefix);
    if (read.length == 0) {
      throw new IllegalArgumentException(
          "the prefix is empty, at least one " + vocabulary.units().one() + " is needed");
    }
    if (length < 0) {
      throw new IllegalArgumentException("length is " + length + ", must be 0 or more");
    }
    SavableRandom random = new SavableRandom(seed);
    int[] ids = Arrays.copyOf(read, read.length + length);
    tape.resetStates();
    for (int id : read) {
      step(id);
    }
    for (int i = read.length; i < ids.length; i++) {
      readLogits();
      ids[i] = sampling.draw(logitValues, random);
      if (i < ids.length - 1) {
        step(ids[i]);
      }
    }
    return append(prefix, vocabulary.decode(ids).substring(vocabulary.decode(read).length()));
  }

  /** A prefix of words may end with the blank that the next word brings with it. */
  private String append(String prefix, String rest) {
    boolean twice =
        vocabulary.units() == Vocabulary.Units.WORDS
            && prefix.endsWith(" ")
            && rest.startsWith(" ");
    return prefix + (twice ? rest.substring(1) : rest);
  }

  /** Reads the logits and makes the unknown symbol, number 0, impossible. */
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
