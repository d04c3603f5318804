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
 *
 * <p>{@link io.github.cudnn4j.onnx.OnnxNetwork} reads a file, such as PyTorch's exporters write for
 * recurrent networks, and is recorded on a tape as a layer is, to be run or trained on:
 *
 * <pre>{@code
 * OnnxNetwork network = OnnxNetwork.read(Path.of("encoder.onnx"), p);
 * LinearLayer head = p.linear("head", 256, 2);
 * p.initialize(42);
 * network.load();
 * Tensor h = network.on(tape).with("tokens", tokens).with("lengths", lengths).record().get("h");
 * Loss loss = tape.crossEntropy(head.on(tape, h), labels);
 * }</pre>
 */
package io.github.cudnn4j.onnx;
