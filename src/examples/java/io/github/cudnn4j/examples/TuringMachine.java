package io.github.cudnn4j.examples;

import module java.base;

import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.*;

/**
 * The network of {@link Turing}: an LSTM steers two heads over the rows of a memory, one that reads
 * and one that writes; a head looks for what is like a key, or moves on to the row beside. At first
 * both go on by a row in most steps, until they learn better.
 *
 * @see <a href="https://arxiv.org/abs/1410.5401">Graves, Wayne and Danihelka, 2014</a>
 */
final class TuringMachine {

  private static final int HIDDEN = 64;
  private static final int HEADS = 2;

  /** What a head is steered by beside the key: strength, gate, shift by -1, 0 and 1, sharpness. */
  private static final double[] FIRST = {1.6, -2, 0, 0, 2, 0};

  private static final int WIDTH = 12;
  private static final int ORDERS = WIDTH + FIRST.length;

  /** Of each step, {@code [B, symbols]} and where the heads are, {@code [B, 2, rows]}. */
  record Output(List<Tensor> logits, List<Tensor> heads) {}

  private final RnnLayer lstm;
  private final LinearLayer steer;
  private final LinearLayer head;

  TuringMachine(Parameters p, int inputs, int outputs) {
    lstm = p.rnn("lstm", RnnConfig.lstm(inputs + WIDTH, HIDDEN));
    steer = p.linear("steer", HIDDEN, HEADS * ORDERS + 2 * WIDTH);
    head = p.linear("head", HIDDEN + WIDTH, outputs);
    p.init("steer.bias", this::bias);
  }

  private double[] bias(RandomGenerator random, int... shape) {
    double[] bias = Init.uniform(1 / Math.sqrt(HIDDEN)).draw(random, shape);
    for (int i = 0; i < HEADS * FIRST.length; i++) {
      int head = i / FIRST.length;
      bias[head * ORDERS + WIDTH + i % FIRST.length] += FIRST[i % FIRST.length];
    }
    return bias;
  }

  /** Returns how many rows the memory has; the weights do not depend on it. */
  static int rows(int steps) {
    return Math.max(20, steps / 2 + 2);
  }

  /** Records the machine on steps {@code [B, I]}. */
  Output on(Tape tape, List<Tensor> steps) {
    int batch = steps.getFirst().dim(0);
    int rows = rows(steps.size());
    Tensor h = tape.input(1, batch, HIDDEN);
    Tensor c = h;
    Tensor read = tape.input(batch, WIDTH);
    Tensor memory = tape.constant(1e-3, batch, rows, WIDTH);
    int both = batch * HEADS;
    Tensor heads = tape.concatenate(tape.constant(1, both, 1, 1), tape.input(both, 1, rows - 1));
    var logits = new ArrayList<Tensor>();
    var places = new ArrayList<Tensor>();
    for (Tensor step : steps) {
      Tensor x = tape.concatenate(step, read);
      var state = lstm.on(tape, tape.reshape(x, 1, batch, x.columns()), h, c);
      h = state.h();
      c = state.c();
      Tensor y = tape.reshape(h, batch, HIDDEN);
      Tensor all = steer.on(tape, y);
      heads = move(tape, tape.slice(all, 0, HEADS * ORDERS), heads, memory);
      Tensor place = tape.reshape(heads, batch, HEADS, rows);
      places.add(place);
      Tensor written = tape.slice(place, 1, 1, 1);
      Tensor erase = tape.sigmoid(tape.slice(all, HEADS * ORDERS, WIDTH));
      Tensor add = tape.tanh(tape.slice(all, HEADS * ORDERS + WIDTH, WIDTH));
      Tensor erased = outer(tape, written, erase);
      Tensor kept = tape.add(memory, tape.scale(tape.multiply(memory, erased), -1));
      memory = tape.add(kept, outer(tape, written, add));
      Tensor seen = tape.product(tape.slice(place, 1, 0, 1), false, memory, false);
      read = tape.reshape(seen, batch, WIDTH);
      logits.add(head.on(tape, tape.concatenate(y, read)));
    }
    return new Output(logits, places);
  }

  private Tensor outer(Tape tape, Tensor place, Tensor vector) {
    Tensor row = tape.reshape(vector, vector.dim(0), 1, WIDTH);
    return tape.product(place, true, row, false);
  }

  /** Moves all heads, {@code [B * 2, 1, rows]}: where they were to where the orders lead. */
  private Tensor move(Tape tape, Tensor steering, Tensor heads, Tensor memory) {
    int both = heads.dim(0);
    int rows = heads.columns();
    Tensor each = tape.reshape(steering, both, 1, ORDERS);
    Tensor key = tape.reshape(tape.tanh(tape.slice(each, 0, WIDTH)), both / HEADS, HEADS, WIDTH);
    Tensor like = tape.reshape(cosines(tape, key, memory), both, 1, rows);
    Tensor strength = tape.exp(tape.slice(each, WIDTH, 1));
    Tensor found = tape.softmax(tape.product(strength, false, like, false));
    Tensor gate = tape.sigmoid(tape.slice(each, WIDTH + 1, 1));
    Tensor change = tape.add(found, tape.scale(heads, -1));
    Tensor gated = tape.add(heads, tape.product(gate, false, change, false));
    Tensor ring = tape.concatenate(tape.slice(gated, rows - 1, 1), gated, tape.slice(gated, 0, 1));
    Tensor beside =
        tape.concatenate(1, tape.slice(ring, 2, rows), gated, tape.slice(ring, 0, rows));
    Tensor shift = tape.softmax(tape.slice(each, WIDTH + 2, 3));
    Tensor moved = tape.product(shift, false, beside, false);
    Tensor sharpness = tape.exp(tape.slice(each, WIDTH + 5, 1));
    Tensor logarithm = tape.log(tape.add(moved, tape.constant(1e-6, both, 1, rows)));
    Tensor sharp = tape.add(logarithm, tape.product(sharpness, false, logarithm, false));
    return tape.softmax(sharp);
  }

  /** Compares keys {@code [B, 2, W]} with the rows of the memory {@code [B, rows, W]}. */
  private static Tensor cosines(Tape tape, Tensor keys, Tensor memory) {
    Tensor squares = tape.product(squares(tape, keys), false, squares(tape, memory), true);
    Tensor lengths = tape.exp(tape.scale(tape.log(squares), 0.5));
    return tape.divide(tape.product(keys, false, memory, true), lengths);
  }

  /** Returns the squared lengths {@code [B, N, 1]} of vectors, never 0. */
  private static Tensor squares(Tape tape, Tensor vectors) {
    int batch = vectors.dim(0);
    Tensor ones = tape.constant(1, batch, vectors.columns(), 1);
    Tensor sum = tape.product(tape.multiply(vectors, vectors), false, ones, false);
    return tape.add(sum, tape.constant(1e-3, batch, vectors.dim(1), 1));
  }
}
