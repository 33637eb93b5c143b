"""A backend of cinder-volume that moves no byte: volumes become available and attach to servers of the fake driver."""
from cinder import interface
from cinder.volume import driver


@interface.volumedriver
class NothingDriver(driver.VolumeDriver):
    VERSION = "1"
    CI_WIKI_NAME = "none"

    def check_for_setup_error(self):
        pass

    def create_volume(self, volume):
        pass

    def create_volume_from_snapshot(self, volume, snapshot):
        pass

    def create_cloned_volume(self, volume, src_vref):
        pass

    def delete_volume(self, volume):
        pass

    def create_snapshot(self, snapshot):
        pass

    def delete_snapshot(self, snapshot):
        pass

    def ensure_export(self, context, volume):
        pass

    def create_export(self, context, volume, connector):
        pass

    def remove_export(self, context, volume):
        pass

    def initialize_connection(self, volume, connector, **kwargs):
        return {"driver_volume_type": "fake", "data": {"volume_id": volume.id}}

    def terminate_connection(self, volume, connector, **kwargs):
        pass

    def get_volume_stats(self, refresh=False):
        return {
            "volume_backend_name": "nothing", "vendor_name": "none", "driver_version": "1", "storage_protocol": "fake",
            "pools": [{"pool_name": "nothing", "total_capacity_gb": 100000, "free_capacity_gb": "infinite",
                       "reserved_percentage": 0, "multiattach": True}],
        }
