package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Launch;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;

/** Adds losses up. There is nothing to be done backwards: each is differentiated by itself. */
final class LossSum implements Operation {

  private final Loss loss;
  private final DeviceBuffer total;
  private final List<Launch> additions = new ArrayList<>();
  private final Launch count;

  private LossSum(Tape tape, List<Loss> parts) {
    loss = new Loss(tape, parts);
    total = tape.buffer(tape.lossType(), 1);
    for (Loss part : parts) {
      additions.add(
          tape.own(
              tape.kernel("loss", "add_loss", tape.lossType())
                  .overElements(1, part.value(), part.factor(), total)));
    }
    DeviceBuffer one = tape.buffer(ElementType.FLOAT64, 1);
    one.copyFrom(new double[] {1});
    DeviceBuffer counted = tape.indices(1).buffer();
    count =
        tape.own(
            tape.kernel("loss", "mean_loss", tape.lossType())
                .overLongRows(1, total, counted, one, loss.value(), loss.meter(), 1));
  }

  static Loss record(Tape tape, List<Loss> parts) {
    Set<Loss> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    if (parts.isEmpty()) {
      throw new IllegalArgumentException("a sum of no losses");
    }
    for (Loss part : parts) {
      check(tape, part, seen);
    }
    return tape.play(new LossSum(tape, parts)).loss;
  }

  private static void check(Tape tape, Loss part, Set<Loss> seen) {
    if (part.tape() != tape) {
      throw new IllegalArgumentException("a loss of another tape");
    }
    if (!seen.add(part)) {
      throw new IllegalArgumentException("a loss is in the sum twice, use Loss.times");
    }
    part.parts().forEach(inner -> check(tape, inner, seen));
  }

  @Override
  public void forward() {
    total.clear();
    for (int i = 0; i < additions.size(); i++) {
      additions.get(i).run();
    }
    count.run();
  }

  @Override
  public void backward() {}
}
