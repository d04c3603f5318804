import io.github.cudnn4j.cuda.*;
import io.github.cudnn4j.io.*;
import io.github.cudnn4j.onnx.*;
import io.github.cudnn4j.rnn.*;
import io.github.cudnn4j.tape.*;

void main() throws IOException {
  Path folder = Files.createTempDirectory("exchange");
  Path tensors = folder.resolve("model.safetensors");
  Path onnx = folder.resolve("model.onnx");
  try (var device = Device.open();
      var p = Parameters.on(device, Precision.FP32)) {
    var embed = p.embedding("embed", 100, 8);
    var lstm = p.rnn("rnn", RnnConfig.lstm(8, 16).bidirectional());
    var head = p.linear("head", lstm.outputSize(), 3);
    p.initialize(42);

    // safetensors, by PyTorch's names
    var file = new SafeTensorsWriter();
    p.save(file);
    file.write(tensors);
    try (var saved = SafeTensors.open(tensors)) {
      IO.println(saved.names());
      p.load(saved); // all of them; those whose names differ: p.load(saved, name -> ...)
    }

    // ONNX, put together from the layers
    var graph = new OnnxGraph("texts");
    OnnxValue tokens = graph.input("tokens", ElementType.INT64, "T", "B");
    OnnxValue lengths = graph.input("lengths", ElementType.INT32, "B");
    OnnxRecurrent out = graph.rnn(lstm, graph.embedding(embed, tokens), lengths);
    graph.output("probabilities", graph.softmax(graph.linear(head, out.last())));
    graph.write(onnx);

    // and back, to be run; on a training tape it is trained on
    try (var q = Parameters.on(device, Precision.FP32);
        var tape = Tape.inference(device, Precision.FP32)) {
      OnnxNetwork network = OnnxNetwork.read(onnx, q);
      q.initialize(1);
      network.load();
      Indices words = tape.indices(5, 2);
      Lengths rows = tape.lengths(2);
      words.buffer().copyFrom(new int[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}); // [5, 2]
      rows.set(5, 3);
      var recording = network.on(tape).with("tokens", words).with("lengths", rows).record();
      tape.forward();
      IO.println(Arrays.toString(recording.get("probabilities").value().toFloats()));

      // DLPack: what Python has in a capsule; no copy
      DeviceBuffer ours = words.buffer();
      long managed = DlPackTensor.exportVersioned(ours, 5, 2);
      try (var theirs = DlPackTensor.ofVersioned(device, managed)) {
        IO.println(
            Arrays.toString(theirs.shape())
                + ", the same memory: "
                + (theirs.buffer().address() == ours.address()));
      }
    }

    // Keras and ONNX arrays, layer by layer
    try (var rnn = Rnn.create(device, RnnConfig.gru(8, 16))) {
      rnn.initialize(1);
      var keras = ForeignWeights.keras(rnn.weights(), 0, false);
      ForeignWeights.setKeras(
          rnn.weights(), 0, false, Map.of(), keras.kernel(), keras.recurrentKernel(), keras.bias());
      IO.println(keras.kernel().length + " numbers of the kernel, [8, 48]");
    }
  }
}
