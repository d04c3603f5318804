package io.github.cudnn4j.examples;

import module java.base;

import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.*;

/**
 * The network of {@link Turing}: an LSTM steers two heads over the rows of a memory, one that reads
 * and one that writes; a head looks for what is like a key, or moves on to the row beside. Likeness
 * is the scalar product; the paper has the cosine.
 *
 * @see <a href="https://arxiv.org/abs/1410.5401">Graves, Wayne and Danihelka, 2014</a>
 */
final class TuringMachine {

  static final int ROWS = 48;

  private static final int WIDTH = 16;
  private static final int HIDDEN = 64;
  private static final int HEADS = 2;

  /** What steers a head: key, strength, gate, shift by -1, 0 and 1, sharpness. */
  private static final int ORDERS = WIDTH + 6;

  /** Of each step, {@code [B, symbols]} and where the heads are, {@code [B, 2, ROWS]}. */
  record Output(List<Tensor> logits, List<Tensor> heads) {}

  private final RnnLayer lstm;
  private final LinearLayer steer;
  private final LinearLayer head;

  TuringMachine(Parameters p, int inputSize, int symbols) {
    lstm = p.rnn("lstm", RnnConfig.lstm(inputSize + WIDTH, HIDDEN));
    steer = p.linear("steer", HIDDEN, HEADS * ORDERS + 2 * WIDTH);
    head = p.linear("head", HIDDEN + WIDTH, symbols);
  }

  /** Records the machine on steps {@code [B, I]}. */
  Output on(Tape tape, List<Tensor> steps) {
    int batch = steps.getFirst().dim(0);
    Tensor h = tape.input(1, batch, HIDDEN);
    Tensor c = h;
    Tensor read = tape.input(batch, WIDTH);
    Tensor memory = tape.constant(1e-3, batch, ROWS, WIDTH);
    int both = batch * HEADS;
    Tensor heads = tape.concatenate(tape.constant(1, both, 1, 1), tape.input(both, 1, ROWS - 1));
    var logits = new ArrayList<Tensor>();
    var places = new ArrayList<Tensor>();
    for (Tensor step : steps) {
      Tensor x = tape.concatenate(step, read);
      var state = lstm.on(tape, tape.reshape(x, 1, batch, x.columns()), h, c);
      h = state.h();
      c = state.c();
      Tensor y = tape.reshape(h, batch, HIDDEN);
      Tensor orders = steer.on(tape, y);
      heads = move(tape, tape.slice(orders, 0, HEADS * ORDERS), heads, memory);
      Tensor place = tape.reshape(heads, batch, HEADS, ROWS);
      places.add(place);
      Tensor written = tape.slice(place, 1, 1, 1);
      Tensor erase = tape.sigmoid(tape.slice(orders, HEADS * ORDERS, WIDTH));
      Tensor add = tape.tanh(tape.slice(orders, HEADS * ORDERS + WIDTH, WIDTH));
      Tensor erased = outer(tape, written, erase);
      Tensor kept = tape.add(memory, tape.scale(tape.multiply(memory, erased), -1));
      memory = tape.add(kept, outer(tape, written, add));
      Tensor seen = tape.product(tape.slice(place, 1, 0, 1), false, memory, false);
      read = tape.reshape(seen, batch, WIDTH);
      logits.add(head.on(tape, tape.concatenate(y, read)));
    }
    return new Output(logits, places);
  }

  private static Tensor outer(Tape tape, Tensor place, Tensor vector) {
    Tensor row = tape.reshape(vector, vector.dim(0), 1, WIDTH);
    return tape.product(place, true, row, false);
  }

  /** Moves all heads, {@code [B * 2, 1, ROWS]}: where they were to where the orders lead. */
  private static Tensor move(Tape tape, Tensor orders, Tensor heads, Tensor memory) {
    int both = heads.dim(0);
    Tensor each = tape.reshape(orders, both, 1, ORDERS);
    Tensor key = tape.reshape(tape.tanh(tape.slice(each, 0, WIDTH)), both / 2, 2, WIDTH);
    Tensor like = tape.reshape(tape.product(key, false, memory, true), both, 1, ROWS);
    Tensor strength = tape.exp(tape.slice(each, WIDTH, 1));
    Tensor found = tape.softmax(tape.product(strength, false, like, false));
    Tensor gate = tape.sigmoid(tape.slice(each, WIDTH + 1, 1));
    Tensor change = tape.add(found, tape.scale(heads, -1));
    Tensor gated = tape.add(heads, tape.product(gate, false, change, false));
    Tensor ring = tape.concatenate(tape.slice(gated, ROWS - 1, 1), gated, tape.slice(gated, 0, 1));
    Tensor beside =
        tape.concatenate(1, tape.slice(ring, 2, ROWS), gated, tape.slice(ring, 0, ROWS));
    Tensor shift = tape.softmax(tape.slice(each, WIDTH + 2, 3));
    Tensor moved = tape.product(shift, false, beside, false);
    Tensor sharpness = tape.exp(tape.slice(each, WIDTH + 5, 1));
    Tensor logarithm = tape.log(tape.add(moved, tape.constant(1e-6, both, 1, ROWS)));
    Tensor sharp = tape.add(logarithm, tape.product(sharpness, false, logarithm, false));
    return tape.softmax(sharp);
  }
}
