package io.github.cudnn4j.optim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class ScheduleTest {

  @Test
  void constantStaysOne() {
    assertEquals(1, Schedule.constant().factor(0));
    assertEquals(1, Schedule.constant().factor(1_000_000));
  }

  @Test
  void stepFallsAtItsMultiples() {
    var schedule = Schedule.step(10, 0.5);
    assertEquals(1, schedule.factor(9));
    assertEquals(0.5, schedule.factor(10));
    assertEquals(0.25, schedule.factor(29));
  }

  @Test
  void exponentialFallsEachStep() {
    assertEquals(Math.pow(0.9, 7), Schedule.exponential(0.9).factor(7), 1e-15);
  }

  @Test
  void cosineWarmsUpAndFallsToItsFloor() {
    var schedule = Schedule.cosine(4, 104, 0.1);
    assertEquals(0.25, schedule.factor(0));
    assertEquals(1, schedule.factor(3));
    assertEquals(1, schedule.factor(4));
    assertEquals(0.55, schedule.factor(54), 1e-15);
    assertEquals(0.1, schedule.factor(104), 1e-15);
    assertEquals(0.1, schedule.factor(1000), 1e-15);
  }

  @Test
  void refusesWhatMakesNoSense() {
    assertThrows(IllegalArgumentException.class, () -> Schedule.step(0, 0.5));
    assertThrows(IllegalArgumentException.class, () -> Schedule.exponential(0));
    assertThrows(IllegalArgumentException.class, () -> Schedule.cosine(5, 5, 0));
    assertThrows(IllegalArgumentException.class, () -> Schedule.cosine(0, 5, 2));
    assertThrows(IllegalArgumentException.class, () -> Schedule.cosine(-1, 5, 0));
  }
}
