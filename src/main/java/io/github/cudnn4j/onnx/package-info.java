/**
 * Networks as files of ONNX, which other runtimes read and other frameworks write. Nothing here
 * needs their libraries.
 *
 * <p>A ready-made model writes itself:
 *
 * <pre>{@code
 * classifier.onnx().write(Path.of("moods.onnx"));
 * }</pre>
 *
 * <p>A network of one's own is put together from its layers, as on a tape, by {@link
 * io.github.cudnn4j.onnx.OnnxGraph}:
 *
 * <pre>{@code
 * OnnxGraph graph = new OnnxGraph("moods");
 * OnnxValue tokens = graph.input("tokens", ElementType.INT64, "T", "B");
 * OnnxValue lengths = graph.input("lengths", ElementType.INT32, "B");
 * OnnxRecurrent out = graph.rnn(lstm, graph.embedding(embed, tokens), lengths);
 * graph.output("probabilities", graph.softmax(graph.linear(head, out.last())));
 * graph.write(Path.of("moods.onnx"));
 * }</pre>
 */
package io.github.cudnn4j.onnx;
