package io.github.cudnn4j.optim;

import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.tape.Parameters;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * A part without gaps of the flat buffers, all of whose parameters are in one group.
 *
 * @param offset its first element
 * @param elements how many, padding included
 */
record GroupRange(ParameterGroup group, long offset, long elements) {

  /**
   * Divides all parameters among the groups, in the order of the buffers.
   *
   * @throws IllegalArgumentException if no tensor fits a pattern, or one is in two groups
   */
  static List<GroupRange> of(Parameters parameters, List<ParameterGroup> groups) {
    long total = parameters.weights().elements();
    long step = Parameters.ALIGNMENT / parameters.type().bytes();
    TreeSet<Long> starts = starts(parameters);
    var chosen = new TreeMap<Long, GroupRange>();
    groupsOf(parameters, groups)
        .forEach(
            (name, group) -> {
              for (DeviceBuffer slice : parameters.parameter(name).slices()) {
                long offset = offset(parameters, slice);
                Long next = starts.higher(offset);
                // With the padding, which so needs no update of its own.
                long padded = Math.ceilDiv(offset + slice.elements(), step) * step;
                long end = Math.min(padded, next == null ? total : next);
                chosen.put(offset, new GroupRange(group, offset, end - offset));
              }
            });
    var ranges = new ArrayList<GroupRange>();
    long at = 0;
    for (GroupRange range : chosen.values()) {
      append(ranges, new GroupRange(ParameterGroup.REST, at, range.offset - at));
      append(ranges, range);
      at = range.offset + range.elements;
    }
    append(ranges, new GroupRange(ParameterGroup.REST, at, total - at));
    return ranges;
  }

  DeviceBuffer in(DeviceBuffer flat) {
    return flat.slice(offset, elements);
  }

  /** Appends a range, which becomes one with that before it where both are in one group. */
  private static void append(List<GroupRange> ranges, GroupRange range) {
    if (range.elements == 0) {
      return;
    }
    if (!ranges.isEmpty() && ranges.getLast().group == range.group) {
      GroupRange before = ranges.removeLast();
      range = new GroupRange(range.group, before.offset, before.elements + range.elements);
    }
    ranges.add(range);
  }

  private static Map<String, ParameterGroup> groupsOf(
      Parameters parameters, List<ParameterGroup> groups) {
    var groupsOf = new TreeMap<String, ParameterGroup>();
    for (ParameterGroup group : groups) {
      for (String pattern : group.patterns()) {
        for (String name : parameters.names(pattern)) {
          ParameterGroup other = groupsOf.put(name, group);
          if (other != null && other != group) {
            throw new IllegalArgumentException(name + " is in two groups");
          }
        }
      }
    }
    return groupsOf;
  }

  private static TreeSet<Long> starts(Parameters parameters) {
    var starts = new TreeSet<Long>();
    for (String name : parameters.names()) {
      parameters.parameter(name).slices().forEach(slice -> starts.add(offset(parameters, slice)));
    }
    return starts;
  }

  private static long offset(Parameters parameters, DeviceBuffer slice) {
    return (slice.address() - parameters.weights().address()) / parameters.type().bytes();
  }
}
