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

  /** torch.optim.lr_scheduler.LinearLR(optimizer, 1, 0.2, total_iters=8). */
  @Test
  void linearFallsToItsFloor() {
    var schedule = Schedule.linear(8, 0.2);
    assertEquals(1, schedule.factor(0));
    assertEquals(0.9, schedule.factor(1), 1e-15);
    assertEquals(0.3, schedule.factor(7), 1e-15);
    assertEquals(0.2, schedule.factor(8), 1e-15);
    assertEquals(0.2, schedule.factor(11), 1e-15);
  }

  @Test
  void inverseSquareRootHasItsTopAfterTheWarmUp() {
    var schedule = Schedule.inverseSquareRoot(4);
    assertEquals(0.25, schedule.factor(0));
    assertEquals(0.75, schedule.factor(2));
    assertEquals(1, schedule.factor(3));
    assertEquals(0.5, schedule.factor(15));
    assertEquals(0.1, schedule.factor(399), 1e-15);
  }

  /** torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1, total_steps=40). */
  @Test
  void oneCycleIsThatOfPyTorch() {
    var schedule = Schedule.oneCycle(40);
    assertEquals(0.04, schedule.factor(0), 1e-15);
    assertEquals(0.45168887762882304, schedule.factor(5), 1e-15);
    assertEquals(0.9805566273349586, schedule.factor(10), 1e-15);
    assertEquals(1, schedule.factor(11), 1e-15);
    assertEquals(0.9968561175222016, schedule.factor(12), 1e-15);
    assertEquals(0.500002, schedule.factor(25), 1e-15);
    assertEquals(4e-6, schedule.factor(39), 1e-15);
    assertEquals(4e-6, schedule.factor(1000), 1e-15);
  }

  @Test
  void everyScheduleCanWarmUp() {
    var schedule = Schedule.step(2, 0.5).warmUp(4);
    assertEquals(0.25, schedule.factor(0));
    assertEquals(0.5, schedule.factor(1));
    assertEquals(0.375, schedule.factor(2));
    assertEquals(0.5, schedule.factor(3));
    assertEquals(0.25, schedule.factor(4));
    assertEquals(1, Schedule.constant().warmUp(0).factor(0));
  }

  @Test
  void refusesWhatMakesNoSense() {
    assertThrows(IllegalArgumentException.class, () -> Schedule.linear(0, 0.5));
    assertThrows(IllegalArgumentException.class, () -> Schedule.linear(1, -0.5));
    assertThrows(IllegalArgumentException.class, () -> Schedule.inverseSquareRoot(0));
    assertThrows(IllegalArgumentException.class, () -> Schedule.oneCycle(9));
    assertThrows(IllegalArgumentException.class, () -> Schedule.constant().warmUp(-1));
    assertThrows(IllegalArgumentException.class, () -> Schedule.step(0, 0.5));
    assertThrows(IllegalArgumentException.class, () -> Schedule.exponential(0));
    assertThrows(IllegalArgumentException.class, () -> Schedule.cosine(5, 5, 0));
    assertThrows(IllegalArgumentException.class, () -> Schedule.cosine(0, 5, 2));
    assertThrows(IllegalArgumentException.class, () -> Schedule.cosine(-1, 5, 0));
  }
}
