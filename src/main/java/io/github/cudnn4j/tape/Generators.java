package io.github.cudnn4j.tape;

import io.github.cudnn4j.cudnn.DropoutDescriptor;
import io.github.cudnn4j.rnn.Rnn;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** The generators of a tape's masks: those of its own operations, then those of its networks. */
final class Generators {

  private final List<Dropout> dropouts = new ArrayList<>();
  private final Set<Rnn> networks = new LinkedHashSet<>();

  /** What draws for other tapes, too, which are of other shards. */
  private final List<DropoutDescriptor> shared = new ArrayList<>();

  private int shard;

  Dropout add(Dropout dropout) {
    dropouts.add(dropout);
    return dropout;
  }

  Recurrent add(Recurrent recurrent) {
    networks.add(recurrent.rnn());
    return recurrent;
  }

  /** Draws other masks than the other shards do; see {@link Tape#ofShard}. */
  void ofShard(int number) {
    shard = number;
    dropouts.forEach(dropout -> dropout.ofSequence(number));
    for (Rnn network : networks) {
      DropoutDescriptor descriptor = network.dropout();
      if (descriptor != null) {
        descriptor.addSequence(number);
        shared.add(descriptor);
      }
    }
  }

  void beforeForward() {
    for (int i = 0; i < shared.size(); i++) {
      shared.get(i).enterSequence(shard);
    }
  }

  void afterForward() {
    for (int i = 0; i < shared.size(); i++) {
      shared.get(i).leaveSequence(shard);
    }
  }

  List<byte[]> states() {
    beforeForward();
    var states = new ArrayList<byte[]>();
    dropouts.forEach(dropout -> states.add(dropout.state()));
    networks.forEach(network -> states.add(network.dropoutState()));
    return states;
  }

  void restore(List<byte[]> states) {
    int needed = dropouts.size() + networks.size();
    if (states.size() != needed) {
      throw new IllegalArgumentException(states.size() + " generator states, needed are " + needed);
    }
    var next = states.iterator();
    dropouts.forEach(dropout -> dropout.restoreState(next.next()));
    networks.forEach(network -> network.restoreDropoutState(next.next()));
    afterForward();
  }
}
