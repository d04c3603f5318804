import ai.djl.Model;
import ai.djl.ndarray.NDList;
import ai.djl.nn.LambdaBlock;
import ai.djl.translate.Batchifier;
import ai.djl.translate.Translator;
import ai.djl.translate.TranslatorContext;
import io.github.cudnn4j.cuda.*;
import io.github.cudnn4j.rnn.*;

static final int LONGEST = 100;

static class Signals implements Translator<float[][], float[]> {
  @Override
  public NDList processInput(TranslatorContext context, float[][] signal) {
    return new NDList(context.getNDManager().create(signal).expandDims(1)); // [T, 1, I]
  }

  @Override
  public float[] processOutput(TranslatorContext context, NDList y) {
    return y.singletonOrThrow().get(-1).toFloatArray(); // what stands behind the last step
  }

  @Override
  public Batchifier getBatchifier() {
    return null;
  }
}

void main(String[] args) throws Exception {
  if (args.length < 1) throw new IllegalArgumentException("DjlPredictor.java FOLDER");
  var config = RnnConfig.lstm(3, 32).bidirectional();
  try (var device = Device.open();
      var lstm = Rnn.create(device, config);
      var y = DeviceBuffer.allocate(device, ElementType.FLOAT32, LONGEST * config.outputSize());
      var script = Model.newInstance("lstm", "PyTorch");
      var model = Model.newInstance("cudnn4j", "PyTorch")) {
    script.load(Path.of(args[0]), "lstm"); // the folder with lstm.pt
    Djl.load(lstm.weights(), script.getBlock());
    lstm.weights().space().setReadOnly();
    var plans = new HashMap<Integer, RnnPlan>();
    model.setBlock(
        LambdaBlock.singleton(
            array -> {
              int time = (int) array.getShape().get(0);
              var shape = SequenceShape.of(time, 1);
              var plan = plans.computeIfAbsent(time, _ -> lstm.inferencePlan(shape));
              var out = y.slice(0, plan.outputElements());
              try (var x = Djl.share(device, array)) { // no copy of x, and none of y
                plan.infer(x.buffer(), out, RnnStates.NONE);
                device.synchronize();
              }
              return Djl.share(array.getManager(), out, time, 1, config.outputSize());
            }));
    try (var theirs = script.newPredictor(new Signals());
        var ours = model.newPredictor(new Signals())) {
      for (int time = 1; time <= LONGEST; time *= 3) {
        var signal = new float[time][config.inputSize()];
        for (int t = 0; t < time; t++) signal[t][t % 3] = (float) Math.sin(t);
        float[] expected = theirs.predict(signal);
        float[] result = ours.predict(signal);
        double worst = 0;
        for (int i = 0; i < result.length; i++) {
          worst = Math.max(worst, Math.abs(result[i] - expected[i]));
        }
        IO.println("%d steps: largest difference %.1e".formatted(time, worst));
      }
    }
  }
}
