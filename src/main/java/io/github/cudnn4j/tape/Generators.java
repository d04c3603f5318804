package io.github.cudnn4j.tape;

import io.github.cudnn4j.rnn.Rnn;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** The generators of a tape's masks: those of its own operations, then those of its networks. */
final class Generators {

  private final List<Dropout> dropouts = new ArrayList<>();
  private final Set<Rnn> networks = new LinkedHashSet<>();

  Dropout add(Dropout dropout) {
    dropouts.add(dropout);
    return dropout;
  }

  Recurrent add(Recurrent recurrent) {
    networks.add(recurrent.rnn());
    return recurrent;
  }

  List<byte[]> states() {
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
  }
}
