package io.github.cudnn4j.examples;

import module java.base;

import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.data.*;
import io.github.cudnn4j.model.*;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.*;
import io.github.cudnn4j.train.*;

/**
 * An autoencoder of documents of as many parts: a network reads the parts, another one their
 * vectors, a third makes a state for each part from the document's vector, and a fourth writes
 * them. Of one part, two networks of two layers read and write it.
 */
final class DocumentAutoencoder implements Objective, AutoCloseable {

  private final Example example;
  private final int parts;
  private final int layers;
  private final int end;
  private final int most;
  private final int size;
  private final Parameters p;
  private final EmbeddingLayer embed;
  private final RnnLayer reader;
  private final RnnLayer writer;
  private final LinearLayer head;
  private final LayerNormLayer norm;
  private final List<RnnLayer> upper = new ArrayList<>();

  /**
   * Makes one with initial weights.
   *
   * @param most the most symbols of a part
   * @param symbols how many there are
   * @param size the elements of a vector
   */
  DocumentAutoencoder(Example example, int parts, int most, int symbols, int size) {
    this.example = example;
    this.parts = parts;
    this.most = most;
    this.size = size;
    layers = parts == 1 ? 2 : 1;
    end = symbols;
    p = Parameters.on(example.device(), Precision.FP32);
    embed = p.embedding("embed", end + 1, size / 2);
    reader = p.rnn("reader", RnnConfig.gru(size / 2, size).layers(layers));
    writer = p.rnn("writer", reader.config());
    if (parts > 1) {
      upper.add(p.rnn("phrases", RnnConfig.gru(size, size)));
      upper.add(p.rnn("states", RnnConfig.gru(size, size)));
    }
    norm = p.layerNorm("norm", size);
    head = p.linear("head", size, end + 1);
    p.init("embed.*", Init.normal(0.1)).initialize(1);
  }

  Parameters parameters() {
    return p;
  }

  Batches<List<int[]>> batches(int batch) {
    int[] start = {end};
    var batches = Batches.<List<int[]>>of(batch);
    for (int i = 0; i < parts; i++) {
      int part = i;
      batches =
          batches
              .tokens("read" + i, most, all -> all.get(part))
              .tokens("before" + i, most + 1, all -> Example.with(start, all.get(part)))
              .labels("next" + i, "before" + i, all -> Example.with(all.get(part), end));
    }
    return batches;
  }

  /** Records the states from which parts are written, {@code [parts · L, B, H]}. */
  private Tensor states(Tape tape, Batch in) {
    var read = new Tensor[parts];
    for (int i = 0; i < parts; i++) {
      Tensor x = embed.on(tape, in.tokens("read" + i));
      read[i] = reader.on(tape, x, in.lengths("read" + i)).h();
    }
    if (parts == 1) {
      return read[0];
    }
    Tensor phrases = norm.on(tape, tape.concatenate(0, read));
    Tensor document = norm.on(tape, upper.get(0).on(tape, phrases).last());
    return upper.get(1).on(tape, tape.repeat(document, parts)).y();
  }

  @Override
  public Loss record(Tape tape, Batch in) {
    Tensor states = states(tape, in);
    var losses = new Loss[parts];
    for (int i = 0; i < parts; i++) {
      Tensor x = tape.dropout(embed.on(tape, in.tokens("before" + i)), example.rate(0.8), 1);
      Tensor h = tape.slice(states, 0, i * layers, layers);
      Tensor y = writer.on(tape, x, in.lengths("before" + i), h, null).y();
      losses[i] = tape.crossEntropy(head.on(tape, y), in.labels("next" + i));
    }
    return tape.sum(losses);
  }

  /** Writes documents again, from their vectors alone. */
  List<List<int[]>> write(List<List<int[]>> documents) throws IOException {
    var source = batches(64).over(documents);
    var states = Outputs.of(p, source, (tape, in) -> tape.transpose(states(tape, in)));
    int places = documents.size() * parts;
    float[] initial = new float[layers * places * size];
    for (int i = 0; i < states.size(); i++) {
      double[] state = states.get(i);
      for (int j = 0; j < state.length; j++) {
        int part = j / size / layers;
        int layer = j / size % layers;
        initial[(layer * places + i * parts + part) * size + j % size] = (float) state[j];
      }
    }
    StepNetwork step =
        (tape, in) -> {
          var out = writer.on(tape, embed.on(tape, in.tokens()), in.state(0), null);
          return StepNetwork.Output.of(head.on(tape, out.y()), out);
        };
    var state = StepNetwork.State.of(writer.config());
    try (var runner = StepRunner.ofTokens(p.device(), p.precision(), step, state, places, places)) {
      runner.state(0).copyFrom(initial);
      int[] starts = new int[places];
      Arrays.fill(starts, end);
      var written = Sampling.GREEDY.draw(runner, starts, end, most, new Random(1));
      return IntStream.range(0, documents.size())
          .mapToObj(i -> written.subList(i * parts, (i + 1) * parts))
          .toList();
    }
  }

  @Override
  public void close() {
    p.close();
  }
}
