"""The functions of ONNX Runtime's C API that we call, by their places in the table `OrtApi`.

The table is frozen by contract: `onnxruntime_c_api.h` ends each version with "DO NOT MODIFY ABOVE", and
`onnxruntime_c_api.cc` asserts the place of each version's last function, from `ReleaseCustomOpDomain` = 101 (version
1) to `AddSessionConfigEntry` = 130 within version 5, which ends at 149, and `GetBuildInfoString` = 254 (version 15).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ctypes import CFUNCTYPE, PYFUNCTYPE, c_char_p, c_int, c_size_t, c_void_p
from typing import ClassVar

Call = Callable[..., int | None]
"""Returns the address of an `OrtStatus`, which is the caller's to release; `None` where all is well."""

_OUT = c_void_p  # the address of what the function writes


class Functions:
    """The table as Python functions. Only what may take long lets other threads run in the meantime."""

    COUNT: ClassVar[int] = 253

    def __init__(self, table: Sequence[int]) -> None:
        self._table = table
        self._take_errors_and_environment()
        self._take_sessions()
        self._take_descriptions()
        self._take_tensors()
        self._take_releases()

    def _take_errors_and_environment(self) -> None:
        self.get_error_code: Callable[[int], int] = PYFUNCTYPE(c_int, c_void_p)(self._table[1])
        self.get_error_message: Callable[[int], bytes | None] = PYFUNCTYPE(c_char_p, c_void_p)(self._table[2])
        self.create_env = self._slow(3, c_int, c_char_p, _OUT)
        self.create_cpu_memory_info = self._quick(69, c_int, c_int, _OUT)
        self.allocator_free = self._quick(76, c_void_p, c_void_p)
        self.get_allocator_with_default_options = self._quick(78, _OUT)

    def _take_sessions(self) -> None:
        self.create_session_from_array = self._slow(8, c_void_p, c_char_p, c_size_t, c_void_p, _OUT)
        # Session, options, names, values, how many, names, how many, values: whoever calls it brings them as ctypes
        # has them, because to convert them costs a fifth of a small model's run.
        self.run = self._slow(9)
        self.create_session_options = self._quick(10, _OUT)
        self.set_session_log_severity_level = self._quick(22, c_void_p, c_int)
        self.set_session_graph_optimization_level = self._quick(23, c_void_p, c_int)
        self.set_intra_op_num_threads = self._quick(24, c_void_p, c_int)
        self.set_inter_op_num_threads = self._quick(25, c_void_p, c_int)
        self.add_session_config_entry = self._quick(130, c_void_p, c_char_p, c_char_p)

    def _take_descriptions(self) -> None:
        self.session_get_input_count = self._quick(30, c_void_p, _OUT)
        self.session_get_output_count = self._quick(31, c_void_p, _OUT)
        self.session_get_input_type_info = self._quick(33, c_void_p, c_size_t, _OUT)
        self.session_get_output_type_info = self._quick(34, c_void_p, c_size_t, _OUT)
        self.session_get_input_name = self._quick(36, c_void_p, c_size_t, c_void_p, _OUT)
        self.session_get_output_name = self._quick(37, c_void_p, c_size_t, c_void_p, _OUT)
        self.cast_type_info_to_tensor_info = self._quick(55, c_void_p, _OUT)
        self.get_onnx_type_from_type_info = self._quick(56, c_void_p, _OUT)
        self.get_tensor_element_type = self._quick(60, c_void_p, _OUT)
        self.get_dimensions_count = self._quick(61, c_void_p, _OUT)
        self.get_dimensions = self._quick(62, c_void_p, c_void_p, c_size_t)
        self.get_tensor_type_and_shape = self._quick(65, c_void_p, _OUT)

    def _take_tensors(self) -> None:
        shape = (c_void_p, c_size_t)  # dimensions, how many
        self.create_tensor = self._quick(48, c_void_p, *shape, c_int, _OUT)
        self.create_tensor_with_data = self._quick(49, c_void_p, c_void_p, c_size_t, *shape, c_int, _OUT)
        self.get_tensor_mutable_data = self._quick(51, c_void_p, _OUT)
        self.fill_string_tensor = self._quick(52, c_void_p, c_void_p, c_size_t)
        self.get_string_tensor_data_length = self._quick(53, c_void_p, _OUT)
        self.get_string_tensor_content = self._quick(54, c_void_p, c_void_p, c_size_t, c_void_p, c_size_t)
        self.get_resized_string_tensor_element_buffer = self._quick(252, c_void_p, c_size_t, c_size_t, _OUT)

    def _take_releases(self) -> None:
        self.release_status = self._release(93)
        self.release_session = self._release(95)
        self.release_value = self._release(96)
        self.release_type_info = self._release(98)
        self.release_tensor_type_and_shape_info = self._release(99)
        self.release_session_options = self._release(100)

    def _quick(self, place: int, *arguments: type) -> Call:
        return PYFUNCTYPE(c_void_p, *arguments)(self._table[place])

    def _slow(self, place: int, *arguments: type) -> Call:
        return CFUNCTYPE(c_void_p, *arguments)(self._table[place])

    def _release(self, place: int) -> Callable[[int | c_void_p], None]:
        return PYFUNCTYPE(None, c_void_p)(self._table[place])
