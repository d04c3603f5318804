package io.github.cudnn4j.library;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

/** Choices as users write them. */
class DeviceChoiceTest {
  @Test
  void parsesWhatItPrints() {
    for (var choice : DeviceChoice.values()) {
      assertEquals(choice, DeviceChoice.parse(choice.toString()));
      assertEquals(choice, DeviceChoice.parse(" " + choice.name()));
    }
  }

  @Test
  void refusesOthers() {
    var e = assertThrows(IllegalArgumentException.class, () -> DeviceChoice.parse("gpu"));
    assertEquals("device 'gpu' is none of auto, cuda, host", e.getMessage());
  }
}
